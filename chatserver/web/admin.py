"""HTTP API of administration: facts about users, rooms, bots and the server, never content."""

import io
import shutil
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from chatserver import __version__
from chatserver.accounts.administration import Administration
from chatserver.accounts.invitations import Invitations
from chatserver.chat.membership import Membership
from chatserver.errors import BadRequest, NotFound, _
from chatserver.models import User
from chatserver.realtime.hub import Hub
from chatserver.storage.overview import Order, Overview
from chatserver.web import forms
from chatserver.web.answer import ok
from chatserver.web.authentication import Sessions
from chatserver.web.health import Health
from chatserver.web.listing import stream_query, stream_rows
from chatserver.web.query import parse_query


class Admin:
    """Handlers for administrators only."""

    def __init__(
        self,
        *,
        administration: Administration,
        invitations: Invitations,
        membership: Membership,
        overview: Overview,
        health: Health,
        hub: Hub,
        sessions: Sessions,
        folder: Path,
    ) -> None:
        """`folder` is the data folder."""
        self._administration = administration
        self._invitations = invitations
        self._membership = membership
        self._overview = overview
        self._health = health
        self._hub = hub
        self._sessions = sessions
        self._folder = folder

    async def people(self, request: web.Request) -> web.StreamResponse:
        await self._sessions.require_admin(request)
        online = {person.name for person in self._hub.presence.online()}

        async def page(after: str, limit: int) -> list[dict[str, Any]]:
            found = msgspec.to_builtins(await self._overview.users(after, limit))
            return [one | {"online": one["name"] in online} for one in found]

        return await stream_query(request, "people", page)

    async def qr(self, request: web.Request) -> web.StreamResponse:
        """Draw an invitation's link as a QR code, dark on white in any theme."""
        import segno

        admin = await self._sessions.require_admin(request)
        invite = await self._invitations.find(request.match_info["code"], by=admin)
        picture = io.BytesIO()
        link = self._sessions.invite_url(
            request, invite.code, parse_query(request, QrQuery).address
        )
        code = segno.make(link, error="m", micro=False)
        look: dict[str, Any] = {"border": 4, "dark": "#000", "light": "#fff"}
        code.save(picture, kind="svg", omitsize=True, svgclass=None, lineclass=None, **look)
        return web.Response(body=picture.getvalue(), content_type="image/svg+xml")

    # Rooms ----------------------------------------------------------------------------------------

    async def rooms(self, request: web.Request) -> web.StreamResponse:
        await self._sessions.require_admin(request)
        return await stream_rows(
            request, "rooms", await self._overview.rooms(), msgspec.to_builtins
        )

    async def conversations(self, request: web.Request) -> web.StreamResponse:
        """List the largest conversations without a name."""
        await self._sessions.require_admin(request)
        query = parse_query(request, _ConversationQuery)
        found = await self._overview.conversations(query.order, query.limit + 1)
        shown = msgspec.to_builtins(found[: query.limit])
        return ok(conversations=shown, more=len(found) > query.limit)

    async def dissolve(self, request: web.Request) -> web.StreamResponse:
        """Remove all members from a conversation without a name."""
        admin = await self._event_author(request)
        await self._membership.dissolve(admin, _number(request))
        return ok()

    async def change_room(self, request: web.Request) -> web.StreamResponse:
        """Archive a room, or set how long it keeps its messages."""
        admin = await self._event_author(request)
        form = await forms.read(request, forms.RoomOversight)
        if form.archived is None and form.retention_days is None:
            raise BadRequest(_("Nothing to change was given."))
        await self._membership.administer_room(
            admin,
            _number(request),
            archived=form.archived,
            retention_days=form.retention_days,
        )
        return ok()

    async def _event_author(self, request: web.Request) -> User:
        return await self._administration.author(await self._sessions.require_admin(request))

    # Bots -----------------------------------------------------------------------------------------

    async def bots(self, request: web.Request) -> web.StreamResponse:
        await self._sessions.require_admin(request)
        return await stream_rows(request, "bots", await self._overview.bots(), msgspec.to_builtins)

    async def renew_bot(self, request: web.Request) -> web.StreamResponse:
        """Replace a bot's token; the new one is shown only this once."""
        admin = await self._sessions.require_admin(request)
        name = request.match_info["name"]
        return ok(status=201, token=await self._administration.renew_bot(admin, name))

    async def revoke_bot(self, request: web.Request) -> web.StreamResponse:
        admin = await self._sessions.require_admin(request)
        await self._administration.revoke_bot(admin, request.match_info["name"])
        return ok()

    # The server -----------------------------------------------------------------------------------

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Report the state of the server, and how this request reached it."""
        await self._sessions.require_admin(request)
        return ok(
            version=__version__,
            **self._sessions.request_info(request),
            **await self._health.facts(),
            disk_free=shutil.disk_usage(self._folder).free,
        )


class QrQuery(msgspec.Struct):
    """`address` is one of those in the list of invitations, by default the first."""

    address: Annotated[str, Meta(max_length=300)] = ""


class _ConversationQuery(msgspec.Struct):
    order: Order = "members"
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 200


def _number(request: web.Request) -> int:
    """Return the room's number in the path. Raises NotFound if it is too large."""
    number = request.match_info["number"]
    if len(number) > 15:
        raise NotFound
    return int(number)

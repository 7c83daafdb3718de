"""HTTP API of administration: facts about users, rooms and the server, never content."""

import shutil
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from chatserver import __version__
from chatserver.accounts.administration import Administration
from chatserver.chat.room_commands import RoomCommands
from chatserver.errors import BadRequest, NotFound, _
from chatserver.models import User
from chatserver.realtime.hub import Hub
from chatserver.storage.overview import Order, Overview
from chatserver.web import forms
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.health import Health
from chatserver.web.listing import stream_query, stream_rows
from chatserver.web.operations import operation
from chatserver.web.query import parse_query
from chatserver.web.responses import administration, ok
from chatserver.web.server_urls import ServerUrls


class ConversationQuery(msgspec.Struct):
    order: Order = "members"
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 200


class AdministrationHandlers:
    """Handlers for administrators only."""

    def __init__(
        self,
        *,
        administration: Administration,
        room_commands: RoomCommands,
        overview: Overview,
        health: Health,
        hub: Hub,
        authenticator: RequestAuthenticator,
        urls: ServerUrls,
        folder: Path,
    ) -> None:
        """`folder` is the data folder."""
        self._administration = administration
        self._room_commands = room_commands
        self._overview = overview
        self._health = health
        self._hub = hub
        self._authenticator = authenticator
        self._urls = urls
        self._folder = folder

    @operation(
        "GET",
        "/api/admin/people",
        "people",
        rate="reads",
        access="administrator",
        returns=administration.AdminUsers,
    )
    async def people(self, request: web.Request) -> web.StreamResponse:
        """List all users except bots, with their last-seen times."""
        await self._authenticator.require_admin(request)
        online = {person.name for person in self._hub.presence.state.online()}

        async def page(after: str, limit: int) -> list[dict[str, Any]]:
            found = msgspec.to_builtins(await self._overview.users(after, limit))
            return [one | {"online": one["name"] in online} for one in found]

        return await stream_query(request, "people", page)

    @operation(
        "GET",
        "/api/admin/rooms",
        "all_rooms",
        rate="reads",
        access="administrator",
        returns=administration.AdminRooms,
    )
    async def rooms(self, request: web.Request) -> web.StreamResponse:
        """List all rooms that have a name: metadata, never messages."""
        await self._authenticator.require_admin(request)
        return await stream_rows(
            request, "rooms", await self._overview.rooms(), msgspec.to_builtins
        )

    @operation(
        "PATCH",
        r"/api/admin/rooms/{number:\d+}",
        "oversee_room",
        rate="changes",
        access="administrator",
        body=forms.RoomOversight,
    )
    async def change_room(self, request: web.Request) -> web.StreamResponse:
        """Archive a room or set its retention without being a member. Its members are notified."""
        admin = await self._event_author(request)
        form = await forms.read(request, forms.RoomOversight)
        if form.archived is None and form.retention_days is None:
            raise BadRequest(_("No changes were given."))
        await self._room_commands.administer_room(
            admin,
            _number(request),
            archived=form.archived,
            retention_days=form.retention_days,
        )
        return ok()

    @operation(
        "GET",
        "/api/admin/conversations",
        "conversations",
        rate="reads",
        access="administrator",
        returns=administration.AdminConversations,
        query=ConversationQuery,
    )
    async def conversations(self, request: web.Request) -> web.StreamResponse:
        """List conversations without a name: metadata, those with most members or events first."""
        await self._authenticator.require_admin(request)
        query = parse_query(request, ConversationQuery)
        found = await self._overview.conversations(query.order, query.limit + 1)
        shown = msgspec.to_builtins(found[: query.limit])
        return ok(conversations=shown, more=len(found) > query.limit)

    @operation(
        "DELETE",
        r"/api/admin/conversations/{number:\d+}",
        "dissolve_conversation",
        rate="changes",
        access="administrator",
        refuses="forbidden not_found",
    )
    async def dissolve(self, request: web.Request) -> web.StreamResponse:
        """Remove all members of a conversation without a name.
        Its text is deleted the next night.
        """
        admin = await self._event_author(request)
        await self._room_commands.dissolve(admin, _number(request))
        return ok()

    async def _event_author(self, request: web.Request) -> User:
        return await self._administration.author(await self._authenticator.require_admin(request))

    @operation(
        "GET",
        "/api/admin/check",
        "check_server",
        rate="reads",
        access="administrator",
        returns=administration.SelfCheck,
    )
    async def check(self, request: web.Request) -> web.StreamResponse:
        """Get a self-check of the server and of the path that this request took."""
        await self._authenticator.require_admin(request)
        return ok(
            version=__version__,
            **self._urls.request_info(request),
            **await self._health.report(),
            disk_free=shutil.disk_usage(self._folder).free,
        )


def _number(request: web.Request) -> int:
    """Return the room's number in the path. Raises NotFound if it is too large."""
    number = request.match_info["number"]
    if len(number) > 15:
        raise NotFound
    return int(number)

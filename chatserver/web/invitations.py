"""HTTP API of invitations."""

import io
from functools import partial
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from chatserver.accounts.invitations import Invitations
from chatserver.storage.invitations import Invite
from chatserver.web import forms
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.listing import stream_rows
from chatserver.web.operations import operation
from chatserver.web.query import parse_query
from chatserver.web.responses import accounts, ok
from chatserver.web.server_urls import ServerUrls


class QrQuery(msgspec.Struct):
    """`address` is one of those in the list of invitations, by default the first."""

    address: Annotated[str, Meta(max_length=300)] = ""


class InvitationHandlers:
    """Handlers of invitations, for administrators."""

    def __init__(
        self, invitations: Invitations, authenticator: RequestAuthenticator, urls: ServerUrls
    ) -> None:
        self._invitations = invitations
        self._authenticator = authenticator
        self._urls = urls

    @operation(
        "GET",
        "/api/invites",
        "invites",
        rate="reads",
        access="administrator",
        returns=accounts.Invitations,
    )
    async def invites(self, request: web.Request) -> web.StreamResponse:
        """List invitations that can still be used."""
        admin = await self._authenticator.require_admin(request)
        found = await self._invitations.listed(admin)
        show = partial(_invite_json, self._links(request))
        addresses = self._urls.reachable_urls(request)
        return await stream_rows(request, "invites", found, show, addresses=addresses)

    @operation(
        "POST",
        "/api/invites",
        "add_invite",
        rate="changes",
        access="administrator",
        returns=accounts.NewInvitation,
        body=forms.NewInvite,
        refuses="not_found",
        created=True,
    )
    async def add_invite(self, request: web.Request) -> web.StreamResponse:
        """Create an invitation for `uses` accounts."""
        admin = await self._authenticator.require_admin(request)
        form = await forms.read(request, forms.NewInvite)
        invite = await self._invitations.make(admin, uses=form.uses, days=form.days, room=form.room)
        addresses = self._urls.reachable_urls(request)
        return ok(status=201, addresses=addresses, **_invite_json(self._links(request), invite))

    @operation(
        "DELETE", "/api/invites/{code}", "revoke_invite", rate="changes", access="administrator"
    )
    async def revoke_invite(self, request: web.Request) -> web.StreamResponse:
        """Revoke an invitation."""
        admin = await self._authenticator.require_admin(request)
        await self._invitations.revoke(admin, request.match_info["code"])
        return ok()

    @operation(
        "GET",
        "/api/invites/{code}/qr.svg",
        "invite_qr",
        rate="reads",
        access="administrator",
        query=QrQuery,
        media="picture",
    )
    async def qr(self, request: web.Request) -> web.StreamResponse:
        """Get the QR code of an invitation link."""
        import segno

        admin = await self._authenticator.require_admin(request)
        invite = await self._invitations.find(request.match_info["code"], by=admin)
        picture = io.BytesIO()
        link = self._urls.invite_url(request, invite.code, parse_query(request, QrQuery).address)
        code = segno.make(link, error="m", micro=False)
        look: dict[str, Any] = {"border": 4, "dark": "#000", "light": "#fff"}
        code.save(picture, kind="svg", omitsize=True, svgclass=None, lineclass=None, **look)
        return web.Response(body=picture.getvalue(), content_type="image/svg+xml")

    def _links(self, request: web.Request) -> str:
        """Return the part of invitation URLs before the code; building it is slow."""
        return self._urls.invite_url(request, "_").removesuffix("_")


def _invite_json(links: str, invite: Invite) -> dict[str, Any]:
    return {
        "code": invite.code,
        "url": links + invite.code,
        "created_by": invite.created_by,
        "created_at": invite.created_at,
        "expires_at": invite.expires_at,
        "uses_left": invite.uses_left,
        "room": invite.room,
        "title": invite.title,
    }

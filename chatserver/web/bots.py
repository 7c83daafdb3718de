"""HTTP API of bots."""

import msgspec
from aiohttp import web

from chatserver.accounts.administration import Administration
from chatserver.storage.overview import Overview
from chatserver.web import forms
from chatserver.web.accounts import user_json
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.listing import stream_rows
from chatserver.web.operations import operation
from chatserver.web.responses import accounts, ok
from chatserver.web.responses import administration as responses


class BotHandlers:
    """Handlers of bots, for administrators."""

    def __init__(
        self,
        administration: Administration,
        overview: Overview,
        authenticator: RequestAuthenticator,
    ) -> None:
        self._administration = administration
        self._overview = overview
        self._authenticator = authenticator

    @operation(
        "GET",
        "/api/bots",
        "bots",
        rate="reads",
        access="administrator",
        returns=responses.AdminBots,
    )
    async def bots(self, request: web.Request) -> web.StreamResponse:
        """List all bots, their rooms, and the time their token was created."""
        await self._authenticator.require_admin(request)
        return await stream_rows(request, "bots", await self._overview.bots(), msgspec.to_builtins)

    @operation(
        "POST",
        "/api/bots",
        "add_bot",
        rate="changes",
        access="administrator",
        returns=accounts.NewBotAccount,
        body=forms.NewBot,
        refuses="conflict not_found",
        created=True,
    )
    async def add_bot(self, request: web.Request) -> web.StreamResponse:
        """Create a bot that is a member of these rooms."""
        admin = await self._authenticator.require_admin(request)
        form = await forms.read(request, forms.NewBot)
        user, token = await self._administration.add_bot(admin, form.name, form.display, form.rooms)
        return ok(status=201, user=user_json(user), token=token)

    @operation(
        "POST",
        "/api/bots/{name}/token",
        "renew_bot",
        rate="changes",
        access="administrator",
        returns=accounts.BotToken,
        created=True,
    )
    async def renew_bot(self, request: web.Request) -> web.StreamResponse:
        """Replace the token of a bot. Closes its sockets."""
        admin = await self._authenticator.require_admin(request)
        name = request.match_info["name"]
        return ok(status=201, token=await self._administration.renew_bot(admin, name))

    @operation(
        "DELETE", "/api/bots/{name}/token", "revoke_bot", rate="changes", access="administrator"
    )
    async def revoke_bot(self, request: web.Request) -> web.StreamResponse:
        """Revoke the token of a bot."""
        admin = await self._authenticator.require_admin(request)
        await self._administration.revoke_bot(admin, request.match_info["name"])
        return ok()

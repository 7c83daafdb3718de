"""HTTP API of the name and the logo of the server."""

from typing import Any

from aiohttp import web

from chatserver.accounts.administration import Administration
from chatserver.chat.server_profile import ServerProfileCache
from chatserver.files.service import FileService
from chatserver.web import forms, time_limit
from chatserver.web.assets import IMMUTABLE
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.operations import operation
from chatserver.web.request_body import body_of, declared_size
from chatserver.web.responses import administration as responses
from chatserver.web.responses import ok
from chatserver.web.square_picture import send_square_picture


class ServerProfileHandlers:
    """Handlers of the server's profile: all see it, administrators change it."""

    def __init__(
        self,
        *,
        profile: ServerProfileCache,
        files: FileService,
        administration: Administration,
        authenticator: RequestAuthenticator,
    ) -> None:
        self._profile = profile
        self._files = files
        self._administration = administration
        self._authenticator = authenticator

    @operation(
        "GET",
        "/api/server",
        "server_profile",
        rate="anonymous",
        access="anyone",
        returns=responses.ServerProfile,
        stores=False,
    )
    async def profile(self, request: web.Request) -> web.StreamResponse:  # noqa: ARG002
        """Get the name and the logo of the server."""
        return ok(**self._shown())

    @operation(
        "GET",
        "/logo/{picture}",
        "logo",
        rate="anonymous",
        access="anyone",
        media="file",
        refuses="not_found",
    )
    async def logo(self, request: web.Request) -> web.StreamResponse:
        """Get the logo: WebP, 256 pixels wide and high. A new logo has a new URL."""
        digest = self._profile.logo_sha256
        store = self._files.store
        return await send_square_picture(request, store, digest, name="logo.webp", cache=IMMUTABLE)

    @operation(
        "PATCH",
        "/api/admin/server",
        "change_server",
        rate="changes",
        access="administrator",
        returns=responses.ServerProfile,
        body=forms.ServerChange,
    )
    async def change(self, request: web.Request) -> web.StreamResponse:
        """Set the name of the server, which pages show; an empty one removes it."""
        admin = await self._authenticator.require_admin(request)
        form = await forms.read(request, forms.ServerChange)
        await self._profile.set_name(form.name, by=admin)
        return ok(**self._shown())

    @operation(
        "PUT",
        "/api/admin/server/logo",
        "set_logo",
        rate="changes",
        access="administrator",
        returns=responses.ServerProfile,
        streams=True,
    )
    async def set_logo(self, request: web.Request) -> web.StreamResponse:
        """Set the logo of the server, like a profile picture. Everyone can see it, logged in or
        not.
        """
        admin = await self._authenticator.require_admin(request)
        user, size = await self._administration.author(admin), declared_size(request)
        async with self._files.square_pictures.receiving(user, size, body_of(request)) as new:
            time_limit.restore(request)
            if admin is not None:
                await self._authenticator.authenticate_again(request)
            await self._profile.set_logo(new, by=admin)
        return ok(**self._shown())

    @operation(
        "DELETE", "/api/admin/server/logo", "remove_logo", rate="changes", access="administrator"
    )
    async def remove_logo(self, request: web.Request) -> web.StreamResponse:
        """Remove the logo of the server."""
        admin = await self._authenticator.require_admin(request)
        await self._profile.set_logo(None, by=admin)
        return ok()

    def _shown(self) -> dict[str, Any]:
        current = self._profile.current
        return {"name": current.name} | ({"logo": current.logo} if current.logo else {})

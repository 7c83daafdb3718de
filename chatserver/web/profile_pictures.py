"""HTTP API of profile pictures."""

from aiohttp import web

from chatserver.errors import UNKNOWN_USER, NotFound, _
from chatserver.files.service import FileService
from chatserver.files.square_pictures import NAME
from chatserver.models import Role, User
from chatserver.realtime.hub import Hub
from chatserver.storage.users import Users
from chatserver.web import time_limit
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.operations import operation
from chatserver.web.request_body import body_of, declared_size
from chatserver.web.responses import accounts as responses
from chatserver.web.responses import ok
from chatserver.web.square_picture import send_square_picture

IMMUTABLE = "private, max-age=31536000, immutable"  # a new picture has a new URL


class ProfilePictureHandlers:
    """Handlers of the pictures of users and bots."""

    def __init__(
        self, *, files: FileService, users: Users, hub: Hub, authenticator: RequestAuthenticator
    ) -> None:
        self._files = files
        self._users = users
        self._hub = hub
        self._authenticator = authenticator

    @operation(
        "GET", "/pictures/{picture}", "picture", rate="downloads", media="file", refuses="not_found"
    )
    async def picture(self, request: web.Request) -> web.StreamResponse:
        """Get a profile picture: WebP, 256 pixels wide and high. A new picture has a new URL."""
        async with self._authenticator.authenticate_download(request):
            digest = self._files.profile_pictures.sha256
            store = self._files.store
            return await send_square_picture(request, store, digest, name=NAME, cache=IMMUTABLE)

    @operation(
        "PUT",
        "/api/me/picture",
        "set_picture",
        rate="changes",
        returns=responses.OnePicture,
        streams=True,
    )
    async def set_own(self, request: web.Request) -> web.StreamResponse:
        """Set the user's profile picture: the body is a JPEG, PNG, GIF or WebP of at most 10 MB.
        The server keeps the middle of it, as a square and without metadata.
        """
        user = (await self._authenticator.authenticate(request)).user
        return await self._receive(request, user)

    @operation("DELETE", "/api/me/picture", "remove_picture", rate="changes")
    async def remove_own(self, request: web.Request) -> web.StreamResponse:
        """Remove the user's profile picture."""
        return await self._remove((await self._authenticator.authenticate(request)).user)

    @operation(
        "PUT",
        "/api/bots/{name}/picture",
        "set_bot_picture",
        rate="changes",
        access="administrator",
        returns=responses.OnePicture,
        streams=True,
    )
    async def set_of_bot(self, request: web.Request) -> web.StreamResponse:
        """Set the profile picture of a bot, like that of the user."""
        admin = await self._authenticator.require_admin(request)
        return await self._receive(request, await self._bot(request), by=admin)

    @operation(
        "DELETE",
        "/api/bots/{name}/picture",
        "remove_bot_picture",
        rate="changes",
        access="administrator",
    )
    async def remove_of_bot(self, request: web.Request) -> web.StreamResponse:
        """Remove the profile picture of a bot."""
        admin = await self._authenticator.require_admin(request)
        return await self._remove(await self._bot(request), by=admin)

    @operation(
        "DELETE",
        "/api/users/{name}/picture",
        "remove_user_picture",
        rate="changes",
        access="administrator",
    )
    async def remove_of_user(self, request: web.Request) -> web.StreamResponse:
        """Remove the profile picture of any account."""
        admin = await self._authenticator.require_admin(request)
        return await self._remove(await self._user(request), by=admin)

    async def _receive(
        self, request: web.Request, user: User, *, by: User | None = None
    ) -> web.StreamResponse:
        size = declared_size(request)
        async with self._files.square_pictures.receiving(user, size, body_of(request)) as new:
            time_limit.restore(request)
            if not self._authenticator.is_operator(request):
                await self._authenticator.authenticate_again(request)
            changed = await self._files.profile_pictures.replace(
                user.id, new, by=None if by is None else by.id
            )
        self._hub.announce_profile(changed)
        return ok(picture=changed.picture)

    async def _remove(self, user: User, *, by: User | None = None) -> web.StreamResponse:
        changed = await self._files.profile_pictures.replace(
            user.id, None, by=None if by is None else by.id
        )
        self._hub.announce_profile(changed)
        return ok()

    async def _bot(self, request: web.Request) -> User:
        user = await self._user(request)
        if user.role is not Role.BOT:
            raise NotFound(_("There is no bot with that name."))
        return user

    async def _user(self, request: web.Request) -> User:
        found = await self._users.find(request.match_info["name"])
        if found is None:
            raise NotFound(UNKNOWN_USER)
        return found[0]

"""Authentication of HTTP requests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from chatserver.accounts.accounts import Accounts
from chatserver.accounts.login import Login
from chatserver.config import AuthSettings
from chatserver.errors import ADMINISTRATORS_ONLY, Forbidden, OtherUser, Unauthorized, _
from chatserver.models import User, name_key
from chatserver.web.keyed_queue import QUERY_TIMEOUT, KeyedQueue
from chatserver.web.query import only_value
from chatserver.web.session_cookies import request_token

EXPECTED_USER = "Chat-User"  # header: the user of the page, percent-encoded UTF-8
MAX_DOWNLOADS = 30  # downloads of one user that run at the same time on a node
WAITING_DOWNLOADS = 100  # that may wait for them: a proxy passes on so many of a page
LOGIN = web.RequestKey("login", Login)  # cached for the request
Check = Callable[[], Awaitable[object]]
CHECK_AGAIN = web.RequestKey[Check]("check_again")


class RequestAuthenticator:
    """Finds the session of a request, with a signature check and one query."""

    def __init__(self, accounts: Accounts, settings: AuthSettings) -> None:
        self._accounts = accounts
        self._settings = settings
        self._queries = KeyedQueue(timeout=QUERY_TIMEOUT)
        self._downloads = KeyedQueue(
            MAX_DOWNLOADS,
            timeout=QUERY_TIMEOUT,
            longest=MAX_DOWNLOADS + WAITING_DOWNLOADS,
            refusal=_("Too many downloads at once. Wait for one to finish."),
        )
        self.control_path: str | None = None  # of the Unix socket for the data folder's owner

    async def authenticate(self, request: web.Request) -> Login:
        """Return the login of the header or cookie. Raises Unauthorized or OtherUser."""
        if LOGIN not in request:
            login = await self._accounts.authenticate(request_token(request))
            expected = unquote(request.headers.get(EXPECTED_USER, ""))
            request[LOGIN] = _require_expected_user(login, expected)
            repeat: Check = partial(self.authenticate_again, request)
            request[CHECK_AGAIN] = repeat
        return request[LOGIN]

    async def authenticate_again(self, request: web.Request) -> Login:
        """Return the login of a long request, if its session has not ended in the meantime."""
        request.pop(LOGIN, None)
        return await self.authenticate(request)

    def has_token(self, request: web.Request) -> bool:
        """Return whether the request has a token, valid or not."""
        with suppress(Unauthorized):
            return bool(request_token(request))
        return False

    @asynccontextmanager
    async def authenticate_download(self, request: web.Request) -> AsyncIterator[User]:
        """Authenticate, and wait for earlier downloads of the same user.

        Raises Unauthorized, also if the session ends while it waits, or RateLimited.
        """
        user = (await self.authenticate(request)).user
        async with self._downloads.slot(user.id) as has_waited:
            yield (await self.authenticate_again(request)).user if has_waited else user

    @asynccontextmanager
    async def authenticate_query(
        self, request: web.Request, *, heavy: bool = False
    ) -> AsyncIterator[User]:
        """Authenticate, and wait for earlier queries of the same user.

        `heavy` queries have their own queue, and may take seconds. Raises Unauthorized, also if the
        session ends while the query waits or a heavy one runs, or RateLimited.
        """
        user = (await self.authenticate(request)).user
        async with self._queries.slot((user.id, heavy)) as has_waited:
            yield (await self.authenticate_again(request)).user if has_waited else user
            if heavy:
                await self.authenticate_again(request)

    async def authenticate_socket(self, request: web.Request, *, again: bool = False) -> Login:
        """Authenticate a WebSocket, which may have its token and expected user in the query."""
        if again:
            request.pop(LOGIN, None)
        token, user = only_value(request, "token"), only_value(request, "user")
        if self._settings.query_token and "token" in request.query:
            login = await self._accounts.authenticate(token)
        else:
            login = await self.authenticate(request)
        return _require_expected_user(login, user)

    async def require_admin(self, request: web.Request) -> User | None:
        """Return the administrator, or None for the operator. Raises Forbidden."""
        if self.is_operator(request):
            return None
        user = (await self.authenticate(request)).user
        if not user.is_admin:
            raise Forbidden(ADMINISTRATORS_ONLY)
        repeat: Check = partial(self._require_admin_again, request)
        request[CHECK_AGAIN] = repeat
        return user

    async def _require_admin_again(self, request: web.Request) -> User | None:
        request.pop(LOGIN, None)
        return await self.require_admin(request)

    def is_operator(self, request: web.Request) -> bool:
        """Return whether the request came through the control socket, open to the operator only.

        Any other Unix socket belongs to a proxy.
        """
        transport: Any = request.transport
        return (
            transport is not None
            and self.control_path is not None
            and transport.get_extra_info("sockname") == self.control_path
        )


async def check_again(request: web.Request) -> None:
    """Repeat the check of a long request. Raises as it does: the session or a right has ended."""
    if CHECK_AGAIN in request:
        await request[CHECK_AGAIN]()


def _require_expected_user(login: Login, expected: str) -> Login:
    """Return `login` unless the request expects another user. Raises OtherUser.

    A page outlives the session it was loaded with: logging in again in the same browser replaces
    the cookie, and the page must not act for the new user.
    """
    if expected and name_key(expected) != name_key(login.user.name):
        raise OtherUser
    return login

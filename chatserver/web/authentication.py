"""Authentication of HTTP requests: tokens, the session cookie, allowed origins."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from chatserver.accounts.accounts import Accounts
from chatserver.accounts.sign_in import SignIn, Tokens
from chatserver.config import Settings
from chatserver.errors import Forbidden, OtherUser, RateLimited, Unauthorized, _
from chatserver.limits import Rate
from chatserver.models import User, name_key
from chatserver.origins import origin
from chatserver.web.addresses import is_local, others
from chatserver.web.headers import cookie, media_type
from chatserver.web.query import only_value
from chatserver.web.turns import Turns

COOKIE = "chatserver"
SECURE_COOKIE = "__Host-chatserver"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
EXPECTED_USER = "Chat-User"  # header: the user of the page, percent-encoded UTF-8
SIGN_IN = web.RequestKey("sign_in", SignIn)  # cached for the request
FROM_TRUSTED_PROXY = web.RequestKey("from_trusted_proxy", bool)
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
REJECTION_LOG_RATE = (0.1, 5)  # lines of the log about refused origins, a second and at once

logger = logging.getLogger(__name__)


class Sessions:
    """Finds the session of a request, with a signature check and one query."""

    def __init__(
        self, accounts: Accounts, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` returns monotonic seconds."""
        self._rejection_log_rate = Rate(*REJECTION_LOG_RATE, clock)
        self._accounts = accounts
        self._settings = settings
        self._turns = Turns()
        self.control_path: str | None = (
            None  # the address of the Unix socket for the folder's owner
        )
        self.mount_path = ""  # the path under which visitors find the chat, like /chat
        self.listening_url = ""  # where browsers reach this server, as far as it knows

    async def authenticate(self, request: web.Request) -> SignIn:
        """Return the login of the header or cookie. Raises Unauthorized or OtherUser."""
        if SIGN_IN not in request:
            sign_in = await self._accounts.authenticate(_token(request))
            expected = unquote(request.headers.get(EXPECTED_USER, ""))
            request[SIGN_IN] = _require_expected_user(sign_in, expected)
        return request[SIGN_IN]

    def has_token(self, request: web.Request) -> bool:
        """Return whether the request has a token, valid or not."""
        with suppress(Unauthorized):
            return bool(_token(request))
        return False

    @asynccontextmanager
    async def authenticate_query(
        self, request: web.Request, *, heavy: bool = False
    ) -> AsyncIterator[User]:
        """Authenticate, and wait for earlier queries of the same user.

        `heavy` queries have their own queue. Raises Unauthorized or RateLimited.
        """
        user = (await self.authenticate(request)).user
        async with self._turns.turn((user.id, heavy)):
            yield user

    async def authenticate_socket(self, request: web.Request, *, again: bool = False) -> SignIn:
        """Authenticate a WebSocket, which may have its token and expected user in the query."""
        if again:
            request.pop(SIGN_IN, None)
        token, user = only_value(request, "token"), only_value(request, "user")
        if self._settings.auth.query_token and "token" in request.query:
            sign_in = await self._accounts.authenticate(token)
        else:
            sign_in = await self.authenticate(request)
        return _require_expected_user(sign_in, user)

    async def require_admin(self, request: web.Request) -> User | None:
        """Return the administrator, or None for the operator. Raises Forbidden."""
        if self.is_operator(request):
            return None
        user = (await self.authenticate(request)).user
        if not user.is_admin:
            raise Forbidden(_("Only an administrator may do that."))
        return user

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

    def base_url(self, request: web.Request) -> str:
        """Return the URL of this server: as configured, as requested, or where it listens."""
        if self.is_operator(request):  # the control socket's routes have no prefix
            return (self._settings.origin or self.listening_url) + self.mount_path
        return self._own_origin(request)

    def reachable_urls(self, request: web.Request) -> list[str]:
        """Return the URLs of this server for other devices, the best first."""
        own = self.base_url(request)
        if not is_local(own):
            return [own]
        if self._settings.origin:
            return []
        found = others(self.listening_url, self._settings.server.host) if self.listening_url else []
        return [
            address + (self.mount_path if self.is_operator(request) else "") for address in found
        ]

    def request_info(self, request: web.Request) -> dict[str, Any]:
        """Return how a request reached the server. `at` is the server's time in ms UTC."""
        return {
            "at": time.time_ns() // 1_000_000,
            "origin": _request_origin(request),
            "public_url": self._settings.origin,
            "addresses": self.reachable_urls(request),
            "secure": request.secure,
            "forwarded": any(name in request.headers for name in FORWARDED),
            "trusted": request.get(FROM_TRUSTED_PROXY, False),
        }

    def invite_url(self, request: web.Request, code: str, address: str = "") -> str:
        """Return the link of an invitation at one of the `reachable_urls`, by default the first."""
        known = self.reachable_urls(request) or [self.base_url(request)]
        chosen = address if address in known else known[0]
        return chosen + str(request.app.router["join_page"].url_for(code=code))

    def check_origin(self, request: web.Request) -> None:
        """Reject requests that another site's page makes a browser send. Raises Forbidden.

        Browsers send the origin with every WebSocket and every changing request. A client that
        sends none is not a browser and has its own token.
        """
        origins = request.headers.getall("Origin", [])
        site = request.headers.get("Sec-Fetch-Site", "none")
        if origins and origins != [self._own_origin(request)]:
            self._log_rejection(request, origins)
            raise Forbidden(_("This origin is not allowed. See server.public_url."))
        if not origins and site not in ("none", "same-origin"):
            raise Forbidden(_("Requests from other sites are not accepted."))

    def _own_origin(self, request: web.Request) -> str:
        return self._settings.origin or _request_origin(request)

    def _log_rejection(self, request: web.Request, origins: list[str]) -> None:
        """Log origins for the operator of a misconfigured proxy, but no free text of the peer."""
        with suppress(RateLimited):
            self._rejection_log_rate.take(None)
            named = [origin(each) or "unreadable" for each in origins]
            own = {"own": self._own_origin(request) or "unreadable", "address": request.remote}
            logger.warning("origin refused", extra={"origin": ", ".join(named)[:200], **own})

    def set_tokens(
        self, request: web.Request, response: web.StreamResponse, tokens: Tokens
    ) -> None:
        """Set the cookie for browsers, and the bearer token for scripts."""
        response.headers["Authorization"] = f"Bearer {tokens.bearer}"
        self.set_cookie(request, response, tokens.cookie)

    def set_renewed_token(self, request: web.Request, response: web.Response, token: str) -> None:
        """Return a renewed token in the way the request's came: as header or cookie."""
        if _bearer(request):
            response.headers["Authorization"] = f"Bearer {token}"
        else:
            self.set_cookie(request, response, token)

    def set_cookie(self, request: web.Request, response: web.StreamResponse, token: str) -> None:
        """Set the session cookie: HttpOnly, and Secure if the request came over TLS."""
        response.set_cookie(
            SECURE_COOKIE if request.secure else COOKIE,
            token,
            max_age=self._settings.auth.session_days * 86_400,
            path="/",
            secure=request.secure,
            httponly=True,
            samesite="Lax",
        )

    def delete_cookie(self, response: web.StreamResponse) -> None:
        """Delete the session cookie."""
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax")
        response.del_cookie(SECURE_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")


def _require_expected_user(sign_in: SignIn, expected: str) -> SignIn:
    """Return `sign_in` unless the request expects another user. Raises OtherUser.

    A page outlives the session it was loaded with: logging in again in the same browser replaces
    the cookie, and the page must not act for the new user.
    """
    if expected and name_key(expected) != name_key(sign_in.user.name):
        raise OtherUser
    return sign_in


def _request_origin(request: web.Request) -> str:
    """Return the server's origin as seen by the request or the proxy."""
    return origin(f"{request.scheme}://{request.host}")


def _bearer(request: web.Request) -> str:
    """Return the token in the header; "" without one, or if a proxy uses the header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _token(request: web.Request) -> str:
    if token := _bearer(request):
        return token
    found = cookie(request, SECURE_COOKIE if request.secure else COOKIE)
    if not found:
        raise Unauthorized
    return found


def address(request: web.Request) -> str:
    """Return the client's address for rate limits: an IPv6 /64 counts as one."""
    remote = request.remote or "local"
    try:
        parsed = ip_address(remote)
    except ValueError:
        return remote
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return ":".join(parsed.exploded.split(":")[:4])
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def wants_page(request: web.Request) -> bool:
    """Return whether the response is shown by a browser."""
    accepts_html = "text/html" in request.headers.get("Accept", "")
    return accepts_html and media_type(request)[0] != "application/json"


def same_site_path(path: str) -> str:
    """Return the path if it leads to this server, else ""."""
    local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if local and path.isprintable() else ""

"""Who is asking: tokens out of requests, the session cookie, which origins may change things."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv6Address, ip_address
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from chatserver.accounts.accounts import Accounts, SignIn, Tokens
from chatserver.config import Settings
from chatserver.errors import Forbidden, OtherUser, RateLimited, Unauthorized, _
from chatserver.limits import Rate
from chatserver.models import User, name_key
from chatserver.origins import origin
from chatserver.web.addresses import is_local, others
from chatserver.web.headers import cookie, media_type
from chatserver.web.turns import Turns

COOKIE = "chatserver"
SECURE_COOKIE = "__Host-chatserver"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
EXPECTED_USER = "Chat-User"  # header: the user that a page acts for, percent-encoded UTF-8
SIGN_IN = web.RequestKey("sign_in", SignIn)  # looked up once for each request
BELIEVED = web.RequestKey("believed", bool)  # in requests that came through a trusted proxy
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
REFUSALS = (0.1, 5)  # lines of the log about refused origins, a second and at once

logger = logging.getLogger(__name__)


class Sessions:
    """Finds the session of a request. One signature check and one query, never a password hash."""

    def __init__(
        self, accounts: Accounts, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives monotonic seconds."""
        self._refusals = Rate(*REFUSALS, clock)
        self._accounts = accounts
        self._settings = settings
        self._turns = Turns()
        self.control: str | None = None  # the address of the Unix socket for the folder's owner
        self.below = ""  # the path under which visitors find the chat, like /chat
        self.listening = ""  # where people find this server, as far as it knows

    async def of(self, request: web.Request) -> SignIn:
        """The sign-in of a request by header or cookie. Raises Unauthorized or OtherUser."""
        if SIGN_IN not in request:
            sign_in = await self._accounts.authenticate(_token(request))
            expected = unquote(request.headers.get(EXPECTED_USER, ""))
            request[SIGN_IN] = _checked(sign_in, expected)
        return request[SIGN_IN]

    def is_brought(self, request: web.Request) -> bool:
        """Whether a request names a session, which may be over."""
        with suppress(Unauthorized):
            return bool(_token(request))
        return False

    @asynccontextmanager
    async def question(self, request: web.Request, *, heavy: bool = False) -> AsyncIterator[User]:
        """The user who asks. Questions of one user wait for one another.

        `heavy` ones have a queue of their own. Raises Unauthorized or RateLimited.
        """
        user = (await self.of(request)).user
        async with self._turns.turn((user.id, heavy)):
            yield user

    async def of_socket(self, request: web.Request, *, again: bool = False) -> SignIn:
        """The same for a socket, which may name its token and its user in the query as well.

        `again`: as the database knows it now.
        """
        if again:
            request.pop(SIGN_IN, None)
        if self._settings.auth.query_token and "token" in request.query:
            sign_in = await self._accounts.authenticate(request.query["token"])
        else:
            sign_in = await self.of(request)
        return _checked(sign_in, request.query.get("user", ""))

    async def admin(self, request: web.Request) -> User | None:
        """The administrator who asks; None for whoever owns the data folder. Raises Forbidden."""
        if self.is_owner(request):
            return None
        user = (await self.of(request)).user
        if not user.is_admin:
            raise Forbidden(_("Only an administrator may do that."))
        return user

    def is_owner(self, request: web.Request) -> bool:
        """Whether the request came through the control socket, which only the owner can open.

        Any other Unix socket is a proxy's: its visitors are strangers.
        """
        transport: Any = request.transport
        return (
            transport is not None
            and self.control is not None
            and transport.get_extra_info("sockname") == self.control
        )

    def base(self, request: web.Request) -> str:
        """Where people find this server: as configured, as they did, or where it listens."""
        if self.is_owner(request):  # whose routes know of no path above them
            return (self._settings.origin or self.listening) + self.below
        return self._own_origin(request)

    def reachable(self, request: web.Request) -> list[str]:
        """What the URLs of this server can begin with for other devices, the best first."""
        own = self.base(request)
        if not is_local(own):
            return [own]
        if self._settings.origin:
            return []
        found = others(self.listening, self._settings.server.host) if self.listening else []
        return [address + (self.below if self.is_owner(request) else "") for address in found]

    def way(self, request: web.Request) -> dict[str, Any]:
        """How a request got here, as far as the server is told. `at`: its clock, in ms UTC."""
        return {
            "at": time.time_ns() // 1_000_000,
            "origin": _seen_origin(request),
            "public_url": self._settings.origin,
            "addresses": self.reachable(request),
            "secure": request.secure,
            "forwarded": any(name in request.headers for name in FORWARDED),
            "trusted": request.get(BELIEVED, False),
        }

    def invite_url(self, request: web.Request, code: str, address: str = "") -> str:
        """The link of an invitation, at one of the `reachable` addresses, the first by default."""
        known = self.reachable(request) or [self.base(request)]
        chosen = address if address in known else known[0]
        return chosen + str(request.app.router["join"].url_for(code=code))

    def check_origin(self, request: web.Request) -> None:
        """Refuse what another site's page makes a browser send. Raises Forbidden.

        Browsers name the origin of every WebSocket and of every changing request; whoever names
        none is no browser, and brings its own token.
        """
        origins = request.headers.getall("Origin", [])
        site = request.headers.get("Sec-Fetch-Site", "none")
        if origins and origins != [self._own_origin(request)]:
            self._log_refusal(request, origins)
            raise Forbidden(_("This origin is not allowed. See server.public_url."))
        if not origins and site not in ("none", "same-origin"):
            raise Forbidden(_("Requests from other sites are not accepted."))

    def _own_origin(self, request: web.Request) -> str:
        return self._settings.origin or _seen_origin(request)

    def _log_refusal(self, request: web.Request, origins: list[str]) -> None:
        """What an operator needs to see of a proxy that is not set up; text of a peer is not."""
        with suppress(RateLimited):
            self._refusals.take(None)
            named = [origin(each) or "unreadable" for each in origins]
            own = {"own": self._own_origin(request) or "unreadable", "address": request.remote}
            logger.warning("origin refused", extra={"origin": ", ".join(named)[:200], **own})

    def remember(self, request: web.Request, response: web.StreamResponse, tokens: Tokens) -> None:
        """Give the browser its cookie, and scripts their bearer token."""
        response.headers["Authorization"] = f"Bearer {tokens.bearer}"
        self.set_cookie(request, response, tokens.cookie)

    def renew(self, request: web.Request, response: web.Response, token: str) -> None:
        """Give a newer token back in the way that the one of the request came."""
        if "Authorization" in request.headers:
            response.headers["Authorization"] = f"Bearer {token}"
        else:
            self.set_cookie(request, response, token)

    def set_cookie(self, request: web.Request, response: web.StreamResponse, token: str) -> None:
        """The session cookie, unreadable for scripts; only over TLS when the request came so."""
        response.set_cookie(
            SECURE_COOKIE if request.secure else COOKIE,
            token,
            max_age=self._settings.auth.session_days * 86_400,
            path="/",
            secure=request.secure,
            httponly=True,
            samesite="Lax",
        )

    def forget(self, response: web.StreamResponse) -> None:
        """Take the cookie back."""
        response.del_cookie(COOKIE, path="/", httponly=True, samesite="Lax")
        response.del_cookie(SECURE_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")


def _checked(sign_in: SignIn, expected: str) -> SignIn:
    """`sign_in`, unless the request expects another user. Raises OtherUser.

    A page outlives the session that it was loaded with: another login in the same browser
    replaces the cookie, and the page must not act for the user of that one.
    """
    if expected and name_key(expected) != name_key(sign_in.user.name):
        raise OtherUser
    return sign_in


def _seen_origin(request: web.Request) -> str:
    """Of this server as the request, or the proxy in front, names it."""
    return origin(f"{request.scheme}://{request.host}")


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    found = cookie(request, SECURE_COOKIE if request.secure else COOKIE)
    if not found:
        raise Unauthorized
    return found


def address(request: web.Request) -> str:
    """Where a request comes from, for limits: one IPv6 household (/64) is one address."""
    remote = request.remote or "local"
    try:
        parsed = ip_address(remote)
    except ValueError:
        return remote
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return ":".join(parsed.exploded.split(":")[:4])
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def wants_page(request: web.Request) -> bool:
    """Whether a person looks at the answer in a browser."""
    accepts_html = "text/html" in request.headers.get("Accept", "")
    return accepts_html and media_type(request)[0] != "application/json"


def same_site_path(path: str) -> str:
    """A path of this server to go on to, or "" when it would lead anywhere else."""
    local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if local and path.isprintable() else ""

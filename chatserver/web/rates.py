"""Rate limits of operations: per user, or per address without a session.

Every operation names its rate, and every command of the WebSocket in `BY_COMMAND`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiohttp import web

from chatserver import protocol
from chatserver.config import LimitSettings
from chatserver.errors import Unauthorized
from chatserver.limits import Rate
from chatserver.models import User
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.client_address import client_address
from chatserver.web.headers import expect
from chatserver.web.operations import Handler, Operation

# Operations per second, and burst.
READ_RATE = (20, 200)  # of one user: reads
DOWNLOAD_RATE = (50, 1_000)  # of one user: files and thumbnails, of which a page shows many
CHANGE_RATE = (5, 100)  # of one user: writes other than events of rooms
CONNECTION_RATE = (2, 20)  # of one user, times `sockets_per_user`: new connections
ROOMS_PER_CONNECTION = 1_000  # subscribed rooms; more of them count as further connections
ROOMS_PER_READ = 100  # rooms of one `history` command that count as one more read
ANONYMOUS_RATE = (20, 500)  # of one address: pages, and requests without a valid session
PROBE_RATE = (10, 100)  # of one address: /readyz and /metrics; pages must not use it up

BY_USER = ("messages", "reads", "changes", "downloads")
BY_ADDRESS = ("anonymous", "sign_ups", "probes")
COUNTED_LATER = ("logins", "connections")  # by `LoginGuard`, by `WebSocketEndpoint`
UNLIMITED = ("unlimited",)  # served from memory

BY_COMMAND: dict[type, str] = {
    protocol.SayToRoom: "messages",
    protocol.SayToPerson: "messages",
    protocol.EditMessage: "messages",
    protocol.DeleteMessage: "messages",
    protocol.ReactTo: "messages",
    protocol.ChangeRoom: "messages",
    protocol.History: "reads",
    protocol.Renew: "reads",
    protocol.StartTyping: "unanswered",  # without a reply: the connection is read more slowly
    protocol.MarkRead: "unanswered",
    protocol.ReportVisible: "unanswered",
}


class Rates:
    """All rates, by name."""

    def __init__(self, limits: LimitSettings, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        per_minute = limits.logins_per_minute_address
        self.messages = Rate(limits.messages_per_second, limits.message_burst, clock)
        self.reads = Rate(*READ_RATE, clock)
        self.changes = Rate(*CHANGE_RATE, clock)
        self.downloads = Rate(*DOWNLOAD_RATE, clock)
        self.anonymous = Rate(*ANONYMOUS_RATE, clock)
        self.sign_ups = Rate(per_minute / 60, per_minute, clock)
        self.probes = Rate(*PROBE_RATE, clock)
        per_user = limits.sockets_per_user
        self.connections = Rate(CONNECTION_RATE[0] * per_user, CONNECTION_RATE[1] * per_user, clock)

    def take(self, kind: str, key: Any) -> None:
        """Count one operation. Raises RateLimited."""
        self._of(kind).take(key)

    def by_command(self) -> dict[type, Rate]:
        """Return the rate of each command, except for those without a reply."""
        limited = {command: kind for command, kind in BY_COMMAND.items() if kind != "unanswered"}
        return {command: self._of(kind) for command, kind in limited.items()}

    def _of(self, kind: str) -> Rate:
        rate: Rate = getattr(self, kind)
        return rate


class RequestLimits:
    """Counts every request before its handler runs, except for the operator's."""

    def __init__(self, rates: Rates, authenticator: RequestAuthenticator) -> None:
        self._rates = rates
        self._authenticator = authenticator

    def limit(self, operation: Operation, inner: Handler) -> web.RouteDef:
        """Return the route of an operation with its rate applied to the handler `inner`."""

        @wraps(inner)
        async def handler(request: web.Request) -> web.StreamResponse:
            if not self._authenticator.is_operator(request):
                await self._count(request, operation.rate)
            return await inner(request)

        options = {"name": operation.name, "expect_handler": expect}
        return web.RouteDef(operation.method, operation.route, handler, options)

    async def _count(self, request: web.Request, kind: str) -> None:
        if kind in BY_ADDRESS:
            self._rates.take(kind, client_address(request))
        elif kind in BY_USER:
            try:
                user = (await self._authenticator.authenticate(request)).user
            except Unauthorized:
                self.count_anonymous(request)
                raise
            self._rates.take(kind, user.id)

    def count_connection(self, user: User) -> None:
        """Count a new connection of a user. Raises RateLimited."""
        self._rates.connections.take(user.id)

    def count_rooms(self, user: User, count: int) -> None:
        """Count a connection's rooms: each ROOMS_PER_CONNECTION as another connection."""
        if count > ROOMS_PER_CONNECTION:
            self._rates.connections.charge(user.id, count / ROOMS_PER_CONNECTION)

    def count_anonymous(self, request: web.Request) -> None:
        """Count a request without a session or a route. Raises RateLimited."""
        self._rates.anonymous.take(client_address(request))

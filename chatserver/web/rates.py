"""How often each operation may be performed: by one user, or from one address without a session.

Every route names its rate in the route table, and every command of the socket in `BY_COMMAND`.
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
from chatserver.web.authentication import Sessions, address
from chatserver.web.headers import expect

# Per second in the long run, and at once.
QUESTIONS = (20, 200)  # of one user: what is read
CHANGES = (5, 100)  # of one user: what is stored apart from the logs of rooms
SOCKETS = (2, 20)  # of one user, times the sockets that a user may have: what is opened
ROOMS = 1_000  # that a socket listens to; more of them count as further sockets
VISITS = (20, 500)  # of one address: pages, and requests without a valid session
PROBES = (10, 100)  # of one address: /readyz and /metrics, which visitors must not use up

BY_USER = ("messages", "questions", "changes")
BY_ADDRESS = ("visits", "sign_ups", "probes")
COUNTED_LATER = ("sign_ins", "sockets")  # by `SignInGuard`, by `Socket`
UNLIMITED = ("memory",)  # bytes that are ready in memory

BY_COMMAND: dict[type, str] = {
    protocol.SayToRoom: "messages",
    protocol.SayToPerson: "messages",
    protocol.EditMessage: "messages",
    protocol.DeleteMessage: "messages",
    protocol.ReactTo: "messages",
    protocol.ChangeRoom: "messages",
    protocol.History: "questions",
    protocol.Renew: "questions",
    protocol.StartTyping: "signals",  # never answered: their line is read more slowly
    protocol.MarkRead: "signals",
}


class Rates:
    """The memory of who did how much lately, by rate."""

    def __init__(self, limits: LimitSettings, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        per_minute = limits.logins_per_minute_address
        self.messages = Rate(limits.messages_per_second, limits.message_burst, clock)
        self.questions = Rate(*QUESTIONS, clock)
        self.changes = Rate(*CHANGES, clock)
        self.visits = Rate(*VISITS, clock)
        self.sign_ups = Rate(per_minute / 60, per_minute, clock)
        self.probes = Rate(*PROBES, clock)
        per_user = limits.sockets_per_user
        self.sockets = Rate(SOCKETS[0] * per_user, SOCKETS[1] * per_user, clock)

    def take(self, kind: str, key: Any) -> None:
        """Count one operation. Raises RateLimited."""
        self._of(kind).take(key)

    def by_command(self) -> dict[type, Rate]:
        """The rate of each command of the socket, without those that are signals."""
        counted = {command: kind for command, kind in BY_COMMAND.items() if kind != "signals"}
        return {command: self._of(kind) for command, kind in counted.items()}

    def _of(self, kind: str) -> Rate:
        rate: Rate = getattr(self, kind)
        return rate


class RequestLimits:
    """Counts every request before its handler runs, but those of the owner of the data folder."""

    def __init__(self, rates: Rates, sessions: Sessions) -> None:
        self._rates = rates
        self._sessions = sessions

    def limited(self, route: web.RouteDef) -> web.RouteDef:
        """The same route behind its rate. Raises KeyError for a route without one."""
        options = dict(route.kwargs)
        kind = options.pop("rate")
        handle: Any = route.handler

        @wraps(handle)
        async def counted(request: web.Request) -> web.StreamResponse:
            if not self._sessions.is_owner(request):
                await self._count(request, kind)
            response: web.StreamResponse = await handle(request)
            return response

        options["expect_handler"] = expect
        return web.RouteDef(route.method, route.path, counted, options)

    async def _count(self, request: web.Request, kind: str) -> None:
        if kind in BY_ADDRESS:
            self._rates.take(kind, address(request))
        elif kind in BY_USER:
            try:
                user = (await self._sessions.of(request)).user
            except Unauthorized:
                self.visited(request)
                raise
            self._rates.take(kind, user.id)

    def connects(self, user: User) -> None:
        """Count a socket of this user. Raises RateLimited."""
        self._rates.sockets.take(user.id)

    def reads_rooms(self, user: User, count: int) -> None:
        """Count the rooms that a socket of this user listens to: ROOMS of them as one socket."""
        if count > ROOMS:
            self._rates.sockets.charge(user.id, count / ROOMS)

    def visited(self, request: web.Request) -> None:
        """Count a request that belongs to no session or no route. Raises RateLimited."""
        self._rates.visits.take(address(request))

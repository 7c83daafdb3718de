"""`GET /ws` that repeats what it hears: the product's socket with an answer of a conformance test.

The settings, the reading, the closing are those of the product; only the chat is missing.
"""

from aiohttp import web

from chatserver.accounts.accounts import SignIn
from chatserver.protocol import frame
from chatserver.realtime.connection import Connection
from chatserver.realtime.pending_connections import PendingConnection
from chatserver.web.websocket.dispatcher import Dispatcher
from chatserver.web.websocket.endpoint import Socket

UNLIMITED = 2**31


def plant() -> None:
    """For tests.faults.server: in the place of the chat."""
    Socket._let_in = _let_in  # type: ignore[method-assign]
    Dispatcher.answer = _answer  # type: ignore[method-assign]


async def _let_in(self: Socket, request: web.Request, arrival: PendingConnection) -> None:
    sign_in: SignIn = await self._sessions.of_socket(request)
    line = self._line(request)
    connection = self._connection(line, sign_in, lists_presence=False, locale="en")
    connection._limit = UNLIMITED
    self._listen(request, line, connection)


def _answer(self: Dispatcher, connection: Connection, data: str | bytes) -> None:
    if isinstance(data, str):
        connection.send(frame(data.encode()))
    else:
        connection.send(b"\x82" + frame(bytes(data))[1:])

"""WebSocket echo server for conformance tests, with the product's WebSocket implementation.

Settings, reading and closing are those of the product; only the chat is missing.
"""

from aiohttp import web

from chatserver.accounts.login import Login
from chatserver.protocol.framing import text_frame
from chatserver.realtime.connection import Connection
from chatserver.realtime.pending_connections import PendingConnection
from chatserver.web.websocket.dispatcher import Dispatcher
from chatserver.web.websocket.endpoint import WebSocketEndpoint

UNLIMITED = 2**31


def plant() -> None:
    """Plant for tests.faults.server: replace the chat by an echo."""
    WebSocketEndpoint._accept = _accept  # type: ignore[method-assign]
    Dispatcher.handle = _answer  # type: ignore[method-assign]


async def _accept(
    self: WebSocketEndpoint, request: web.Request, pending: PendingConnection
) -> None:
    login: Login = await self._authenticator.authenticate_socket(request)
    line = self._upgrade(request)
    connection = self._connection(line, login, lists_presence=False, locale="en")
    connection._queue_limit = UNLIMITED
    self._start(request, line, connection)


def _answer(self: Dispatcher, connection: Connection, data: str | bytes) -> None:
    if isinstance(data, str):
        connection.reply(text_frame(data.encode()))
    else:
        connection.reply(b"\x82" + text_frame(bytes(data))[1:])

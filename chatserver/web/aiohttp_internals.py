"""The only place that depends on private names of aiohttp.

Listening sockets with deadlines for HTTP connections, responses to requests that cannot be parsed,
the handover of a connection to another protocol, for good or for a body, and the frame parser. What
a new release of aiohttp moves is named by tests/web/test_aiohttp_internals.py.
"""

import asyncio
import errno
import logging
import os
import ssl
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_parser import HttpRequestParser
from aiohttp.http_websocket import WebSocketReader
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, RequestHandler

from chatserver.data_dir import is_listening
from chatserver.web.body_receiver import BodyReceiver
from chatserver.web.idle_connections import IdleConnections
from chatserver.web.security_headers import TLS_HEADERS, set_security_headers

BACKLOG = 4_096  # connections that wait to be accepted, e.g. when all clients reconnect
HEAD_TIMEOUT = 20.0  # seconds for the first request to arrive
WRITE_TIMEOUT = 60.0  # seconds for the peer to read a response
HANDSHAKE_TIMEOUT = 10.0  # seconds for TLS

logger = logging.getLogger(__name__)


class ErrorResponse(web.Response):
    """Response outside of the application, whose middleware and signals it does not reach."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        set_security_headers(self.headers)


class HttpConnection(RequestHandler):
    """aiohttp's handler of a connection, with deadlines."""

    __slots__ = ("_deadline", "_idle", "_receiver", "address")

    def __init__(self, server: web.Server, idle: IdleConnections, **options: Any) -> None:
        super().__init__(server, **options)
        self._idle = idle
        self._deadline: asyncio.TimerHandle | None = None
        self._receiver: BodyReceiver | None = None
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.address = str((transport.get_extra_info("peername") or [""])[0])
        self._deadline = self._loop.call_later(HEAD_TIMEOUT, self.abort)
        self._idle.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._busy()

    async def _handle_request(self, *request: Any) -> tuple[web.StreamResponse, bool]:
        self._busy()
        try:
            return await super()._handle_request(*request)
        finally:
            if self.transport is not None:
                self._idle.add(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Log as aiohttp does, but return a response that does not quote the request.

        Raises ConnectionError if a part of another response was sent.
        """
        super().handle_error(request, status, exc, message)
        text = "Bad request." if status < 500 else "Internal server error."
        headers = TLS_HEADERS if request.secure else None
        response = ErrorResponse(status=status, text=text, headers=headers)
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if self.transport is None:  # it became a WebSocket, or the peer has disconnected
            self.log_access(request, resp, start_time)
            return resp, True
        self._end_receiving(request, resp)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                return await super().finish_response(request, resp, start_time)
        except TimeoutError:
            self.abort()
            return resp, True

    def receive(self, count: int) -> BodyReceiver:
        """Receive the last `count` bytes of a body, of which the parser has had all others.

        It ends with the response. Raises ConnectionError if the peer has disconnected.
        """
        if self.transport is None:
            raise ConnectionResetError("the connection was closed")
        self._receiver = BodyReceiver(self.transport, self, count)
        _switch(self.transport, self._receiver)
        return self._receiver

    def _end_receiving(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is None or self.transport is None:
            return
        _switch(self.transport, self)
        if receiver.missing:  # aiohttp reads and drops some of it, and cannot find its end
            response.force_close()
        else:
            self._parser = self._new_parser()
            request.content.feed_eof()

    def _new_parser(self) -> HttpRequestParser:
        """Return a parser for the next request, as the other one waits for the end of the body."""
        return HttpRequestParser(
            self,
            self._loop,
            self._read_bufsize,
            max_line_size=self.max_line_size,
            max_field_size=self.max_field_size,
            max_headers=self.max_headers,
            payload_exception=web.RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=MAX_MSG_QUEUE_SIZE,
        )

    def abort(self) -> None:
        """Close the connection without waiting for the peer."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def _busy(self) -> None:
        self._idle.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _switch(transport: asyncio.Transport, protocol: asyncio.BaseProtocol) -> None:
    """Change the protocol: uvloop looks at the kind of it when reading begins."""
    transport.pause_reading()
    transport.set_protocol(protocol)
    transport.resume_reading()


class Listener(web.TCPSite):
    """Accepts connections for a runner. `idle` limits idle ones."""

    __slots__ = ("_idle",)

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        *,
        idle: IdleConnections,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(runner, host, port, backlog=BACKLOG, ssl_context=tls)
        self._idle = idle

    async def start(self) -> None:
        await web.BaseSite.start(self)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connection,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT if self._ssl_context else None,
        )

    def _connection(self) -> HttpConnection:
        return _http_connection(self._runner, self._idle)


class UnixListener(web.UnixSite):
    """Accepts a proxy's connections on a Unix socket that the server's group can open."""

    __slots__ = ("_idle", "path")

    def __init__(self, runner: web.AppRunner, path: str, *, idle: IdleConnections) -> None:
        super().__init__(runner, path, backlog=BACKLOG)
        self._idle = idle
        self.path = path

    async def start(self) -> None:
        if is_listening(self.path):  # asyncio would replace the socket
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        _remove_stale(self.path)
        await web.BaseSite.start(self)
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: _http_connection(self._runner, self._idle), self.path, backlog=self._backlog
        )
        Path(self.path).chmod(0o660)


def _remove_stale(path: str) -> None:
    """Remove the socket of a server that has ended. Raises OSError, which asyncio only logs."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116 - Path.is_socket hides errors
            Path(path).unlink()


def _http_connection(runner: Any, idle: IdleConnections) -> HttpConnection:
    server = runner.server
    options = server._kwargs  # noqa: SLF001 - what the runner was made with
    return HttpConnection(server, idle, loop=server._loop, **options)  # noqa: SLF001


# WebSockets ---------------------------------------------------------------------------------------


def hand_over(request: web.Request, protocol: asyncio.Protocol) -> None:
    """Give a request's connection to another protocol, with the bytes that followed the request.

    aiohttp is made to believe that the connection is closed. Otherwise a task, a parser and buffers
    would stay as long as the WebSocket, and every frame would wake that task.
    """
    http: Any = request.protocol
    http.set_parser(_TrailingData(protocol))
    http.transport.set_protocol(protocol)
    http.transport = None
    http.connection_lost(None)


class _TrailingData:
    """Passes on bytes that aiohttp read after the request."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._protocol.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        pass


def frame_parser(
    receive: Callable[[WSMessage, int], None], *, limit: int
) -> Callable[[bytes], object]:
    """Return a function that takes bytes and calls `receive` for each message or control frame.

    `receive` gets the message and its size in bytes.

    An invalid frame, or a message of `limit` bytes or more, becomes one of type ERROR.
    """
    reader = WebSocketReader(_Messages(receive), limit, compress=False, decode_text=True)
    return reader.feed_data


class _Messages(WebSocketDataQueue):
    """Passes messages and errors of aiohttp's reader straight on."""

    def __init__(self, receive: Callable[[WSMessage, int], None]) -> None:
        super().__init__(cast(Any, None), 0, loop=asyncio.get_running_loop())
        self.feed_data = receive  # type: ignore[assignment,method-assign]

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:  # noqa: ARG002
        if not isinstance(exc, WebSocketError):
            logger.error("parsing a frame failed", exc_info=exc)
            exc = WebSocketError(WSCloseCode.INTERNAL_ERROR, "")
        self.feed_data(WSMessage(WSMsgType.ERROR, exc, None), 0)

"""Listening sockets, with deadlines for HTTP connections and a limit for idle ones.

Depends on internals of aiohttp's RequestHandler: when a connection begins to handle a request, and
when it is idle again. Connections that became WebSockets are excluded.
"""

import asyncio
import errno
import os
import ssl
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from chatserver.data_dir import is_listening

BACKLOG = 4_096  # connections that wait to be accepted, e.g. when all clients reconnect
HEAD_TIMEOUT = 20.0  # seconds for the first request to arrive
WRITE_TIMEOUT = 60.0  # seconds for the peer to read a response
HANDSHAKE_TIMEOUT = 10.0  # seconds for TLS


class IdleConnections:
    """Connections before their first request or between two, by address, longest idle first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._by_address: dict[str, dict[HttpConnection, None]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, connection: "HttpConnection") -> None:
        """Add a connection. Above the limit, abort the longest idle one of the busiest address."""
        self._by_address.setdefault(connection.address, {})[connection] = None
        self._count += 1
        if self._count > self._most:
            crowded = max(self._by_address, key=lambda address: len(self._by_address[address]))
            oldest = next(iter(self._by_address[crowded]))
            self.discard(oldest)
            oldest.abort()

    def discard(self, connection: "HttpConnection") -> None:
        of_address = self._by_address.get(connection.address, {})
        if connection in of_address:
            self._count -= 1
            del of_address[connection]
            if not of_address:
                del self._by_address[connection.address]


class HttpConnection(RequestHandler):
    """aiohttp's handler of a connection, with deadlines."""

    __slots__ = ("_deadline", "_idle", "address")

    def __init__(self, server: web.Server, idle: IdleConnections, **options: Any) -> None:
        super().__init__(server, **options)
        self._idle = idle
        self._deadline: asyncio.TimerHandle | None = None
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

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if self.transport is None:  # it became a WebSocket, or the peer has disconnected
            self.log_access(request, resp, start_time)
            return resp, True
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                return await super().finish_response(request, resp, start_time)
        except TimeoutError:
            self.abort()
            return resp, True

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
        await web.BaseSite.start(self)
        self._server = await asyncio.get_running_loop().create_unix_server(
            lambda: _http_connection(self._runner, self._idle), self.path, backlog=self._backlog
        )
        Path(self.path).chmod(0o660)


def _http_connection(runner: Any, idle: IdleConnections) -> HttpConnection:
    server = runner.server
    options = server._kwargs  # noqa: SLF001 - what the runner was made with
    return HttpConnection(server, idle, loop=server._loop, **options)  # noqa: SLF001

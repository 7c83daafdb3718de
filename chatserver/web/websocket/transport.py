"""One WebSocket line, from its upgrade on: bytes in, frames out of them, each a call.

aiohttp lets somebody in, and is then told that the connection is gone: a request's task, parser and
buffers would otherwise stay as long as the socket, and every frame would wake that task. What takes
the frames apart is aiohttp's reader.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any, cast

from aiohttp import WebSocketError, WSCloseCode, WSMessage, WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import WebSocketReader

from chatserver.realtime.connection import CLOSE_TIMEOUT
from chatserver.web.websocket import handshake
from chatserver.web.websocket.framing import Masks

BACKLOG = 131_072  # bytes of frames that may wait for one that takes its time; then the peer must
OVERHEAD = 128  # bytes that a frame takes besides its content
SEND_BUFFER = 131_072  # bytes that the kernel keeps for a peer, Linux twice that; else megabytes
REQUESTS = (WSMsgType.TEXT, WSMsgType.BINARY)
TURN = 200  # frames of one line that are performed in one turn of the loop

logger = logging.getLogger(__name__)

# What to do with a frame; what it returns is waited for before the next request is performed.
Receive = Callable[[WSMessage], Awaitable[None] | None]


class SocketTransport(asyncio.Protocol):
    """The protocol of a transport.

    Requests are performed one after the other. Control frames and errors are handled at once, also
    while a request waits. No request is performed while the peer does not read: its replies would
    pile up. `close_code` is the one that the peer has sent, or has earned by a frame that is none;
    frames that follow it are ignored.
    """

    __slots__ = (
        "_backlog",
        "_busy",
        "_gone",
        "_is_open",
        "_left",
        "_lost",
        "_masks",
        "_paused",
        "_reader",
        "_receive",
        "_stalled",
        "_task",
        "_waiting",
        "close_code",
        "transport",
    )

    def __init__(self, transport: asyncio.Transport, *, limit: int) -> None:
        """A message of `limit` bytes or more ends the line with 1009."""
        inbox = Inbox(self)
        self._reader = WebSocketReader(inbox, limit, compress=False, decode_text=True)
        self._masks = Masks()
        self._is_open = False
        self._busy = True  # until `open`
        self._stalled = False  # the peer does not read what was sent
        self._left = TURN  # frames of this turn of the loop
        self._backlog: deque[WSMessage] | None = None
        self._waiting = 0  # size of the backlog
        self._paused = False
        self._lost = False
        self._task: asyncio.Task[None] | None = None
        self._receive: Receive = _ignore
        self._gone: Callable[[], None] = _nothing
        self.close_code: int | None = None
        self.transport = transport

    @classmethod
    def upgraded(cls, request: web.Request, *, limit: int, waiting: int) -> "SocketTransport":
        """Answer the request for an upgrade and take its transport. Raises BadRequest.

        `waiting`: bytes sent and not yet read above which no request is performed. Nothing waits
        in here, and aiohttp's own answer to this request goes nowhere.
        """
        answer = handshake.switching(request)
        http: Any = request.protocol
        if http.transport is None:
            raise ConnectionResetError
        line = cls(http.transport, limit=limit)
        with suppress(OSError):  # on some systems when the peer has gone
            line.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER)
        line.transport.set_write_buffer_limits(high=waiting)
        line.transport.write(answer)
        http.set_parser(_Tail(line))
        line.transport.set_protocol(line)
        if line._paused:  # and aiohttp has just gone on reading
            line._pause()
        http.transport = None
        http.connection_lost(None)
        return line

    def open(self, receive: Receive, gone: Callable[[], None]) -> None:
        """Hand every frame to `receive` from now on; call `gone` when the transport is closed."""
        self._receive = receive
        self._gone = gone
        self._is_open = True
        self._go_on()

    def turn_away(self, frames: bytes, gone: Callable[[], None]) -> None:
        """Send this, ignore what comes, and call `gone` when the peer is: CLOSE_TIMEOUT at most."""
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self.transport.abort)
        self.transport.write(frames)
        self.open(self._wait_for_close, gone)

    def _wait_for_close(self, message: WSMessage) -> None:
        if message.type is WSMsgType.CLOSE:
            self.transport.close()

    # What the transport calls ---------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._left = TURN
        self._reader.feed_data(self._masks.passed(data))

    def connection_lost(self, _exc: Exception | None) -> None:
        """What was heard before is still performed: a peer may say something and go."""
        del self._reader  # it holds the line, by way of the inbox
        self._lost = True
        self._stalled = False
        if not self._backlog:
            self._end()
        elif not self._busy:
            self._go_on()

    def _end(self) -> None:
        gone, self._gone, self._receive = self._gone, _nothing, _ignore
        gone()

    # Frames ---------------------------------------------------------------------------------------

    def take(self, message: WSMessage) -> None:
        """A frame, from the inbox: one after the other, and at once if nothing is waited for."""
        if self.close_code is not None:
            return
        if message.type is WSMsgType.CLOSE:
            self.close_code = message.data
        elif message.type is WSMsgType.ERROR:
            self.close_code = message.data.code
        if (self._busy or self._stalled) and not self._is_urgent(message):
            self._put_by(message)
        else:
            self._perform(message)

    def _is_urgent(self, message: WSMessage) -> bool:
        """Whether a frame is handled while a request waits; a flood of such frames is not."""
        return message.type not in REQUESTS and self._is_open and self._left > 0

    def _perform(self, message: WSMessage) -> None:
        """Some in a turn of the loop, then others have theirs."""
        self._left -= 1
        try:
            work = self._receive(message)
        except Exception:
            logger.exception("a frame could not be taken")
            self.transport.abort()
            return
        if work is not None:
            self._busy = True
            self._task = asyncio.ensure_future(self._finish(work))
        elif self._left <= 0 and not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _put_by(self, message: WSMessage) -> None:
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(message)
        self._waiting += _size(message)
        if self._waiting > BACKLOG and not self._paused:
            self._paused = True
            self._pause()

    def _pause(self) -> None:
        with suppress(RuntimeError):  # when it is closing
            self.transport.pause_reading()

    async def _finish(self, work: Awaitable[None]) -> None:
        try:
            await work
        finally:
            self._go_on()

    def _go_on(self) -> None:
        self._busy, self._task, self._left = False, None, TURN
        while self._backlog and not self._busy and not self._stalled:
            message = self._backlog.popleft()
            self._waiting -= _size(message)
            self._perform(message)
        if self._paused and self._waiting <= BACKLOG // 2:
            self._paused = False
            with suppress(RuntimeError):
                self.transport.resume_reading()
        if self._lost and not self._busy:
            self._end()

    # The peer's reading ---------------------------------------------------------------------------

    def pause_writing(self) -> None:
        self._stalled = True

    def resume_writing(self) -> None:
        self._stalled = False
        if not self._busy:
            self._go_on()


def _size(message: WSMessage) -> int:
    """What it takes while it waits: characters or bytes, and the message itself."""
    return OVERHEAD + (len(message.data) if isinstance(message.data, str | bytes) else 0)


class Inbox(WebSocketDataQueue):
    """Where aiohttp's reader puts messages and mistakes: straight on to the line."""

    def __init__(self, line: SocketTransport) -> None:
        super().__init__(cast(Any, line), 0, loop=asyncio.get_running_loop())
        self._take = line.take

    def feed_data(self, data: Any, size: int) -> None:  # noqa: ARG002 - aiohttp's signature
        self._take(data)

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:  # noqa: ARG002
        if not isinstance(exc, WebSocketError):
            logger.error("a frame was not taken", exc_info=exc)
            exc = WebSocketError(WSCloseCode.INTERNAL_ERROR, "")
        self._take(WSMessage(WSMsgType.ERROR, exc, None))


class _Tail:
    """What aiohttp read behind the request belongs to the line."""

    def __init__(self, line: SocketTransport) -> None:
        self._line = line

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._line.data_received(data)
        return False, b""

    def feed_eof(self) -> None:
        pass


def _ignore(_message: WSMessage) -> None:
    """For a line that is not open, or not any more."""


def _nothing() -> None:
    """For a line whose end concerns nobody."""

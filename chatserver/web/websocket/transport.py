"""WebSocket transport after the upgrade: received bytes become frames, each passed on by a call."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from socket import SO_SNDBUF, SOL_SOCKET

from aiohttp import WSMessage, WSMsgType, web

from chatserver.protocol.framing import MaskCheck
from chatserver.realtime.connection import CLOSE_TIMEOUT
from chatserver.web import aiohttp_internals
from chatserver.web.websocket import handshake

BACKLOG_LIMIT = 131_072  # queued bytes of frames above which reading is paused
FRAME_OVERHEAD = 128  # bytes of memory in addition to a frame's content
SEND_BUFFER = 131_072  # bytes that the kernel keeps for a peer, Linux twice that; else megabytes
COMMAND_TYPES = (WSMsgType.TEXT, WSMsgType.BINARY)
FRAMES_PER_TURN = 200  # frames of one connection in one turn of the event loop

logger = logging.getLogger(__name__)

# Handles a frame; the next command waits for the returned awaitable.
Receive = Callable[[WSMessage], Awaitable[None] | None]


class SocketTransport(asyncio.Protocol):
    """asyncio protocol of a WebSocket.

    Commands are performed one after the other. Control frames and errors are handled at once, even
    while a command is running. No command is performed while the peer does not read, because its
    replies would pile up. `close_code` is the peer's, or the one for its invalid frame; later
    frames are ignored.
    """

    __slots__ = (
        "_backlog",
        "_backlog_size",
        "_budget",
        "_busy",
        "_is_open",
        "_lost",
        "_mask_check",
        "_on_closed",
        "_parse",
        "_paused",
        "_receive",
        "_stalled",
        "_task",
        "close_code",
        "transport",
    )

    def __init__(self, transport: asyncio.Transport, *, limit: int) -> None:
        """A message of `limit` bytes or more closes the connection with 1009."""
        self._parse = aiohttp_internals.frame_parser(self.handle_frame, limit=limit)
        self._mask_check = MaskCheck()
        self._is_open = False
        self._busy = True  # until `open`
        self._stalled = False  # the send queue is full
        self._budget = FRAMES_PER_TURN  # frames of this turn of the loop
        self._backlog: deque[WSMessage] | None = None
        self._backlog_size = 0  # characters or bytes, and overhead
        self._paused = False
        self._lost = False
        self._task: asyncio.Task[None] | None = None
        self._receive: Receive = _ignore
        self._on_closed: Callable[[], None] = _nothing
        self.close_code: int | None = None
        self.transport = transport

    @classmethod
    def upgraded(
        cls, request: web.Request, *, limit: int, send_queue_limit: int
    ) -> "SocketTransport":
        """Accept the upgrade and take over the transport. Raises BadRequest.

        No command is performed while more than `send_queue_limit` bytes are in the send queue.
        There is no `await` here, and aiohttp's own response to this request is not sent.
        """
        answer = handshake.switching(request)
        if request.transport is None:
            raise ConnectionResetError
        socket = cls(request.transport, limit=limit)
        with suppress(OSError):  # on some systems when the peer has disconnected
            socket.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER)
        socket.transport.set_write_buffer_limits(high=send_queue_limit)
        socket.transport.write(answer)
        aiohttp_internals.hand_over(request, socket)
        if socket._paused:  # aiohttp has just resumed reading
            socket._pause()
        return socket

    def open(self, receive: Receive, on_closed: Callable[[], None]) -> None:
        """Pass frames to `receive`; call `on_closed` when the transport is closed."""
        self._receive = receive
        self._on_closed = on_closed
        self._is_open = True
        self._resume()

    def reject(self, frames: bytes, on_closed: Callable[[], None]) -> None:
        """Send these frames, ignore the peer's, and close within CLOSE_TIMEOUT."""
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self.transport.abort)
        self.transport.write(frames)
        self.open(self._wait_for_close, on_closed)

    def _wait_for_close(self, message: WSMessage) -> None:
        if message.type is WSMsgType.CLOSE:
            self.transport.close()

    # asyncio.Protocol -----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._budget = FRAMES_PER_TURN
        self._parse(self._mask_check.filter(data))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Perform the commands received before, then call `on_closed`."""
        del self._parse  # breaks a reference cycle
        self._lost = True
        self._stalled = False
        if not self._backlog:
            self._end()
        elif not self._busy:
            self._resume()

    def _end(self) -> None:
        on_closed, self._on_closed, self._receive = self._on_closed, _nothing, _ignore
        on_closed()

    # Frames ---------------------------------------------------------------------------------------

    def handle_frame(self, message: WSMessage, _size: int = 0) -> None:
        """Handle a frame of the parser at once, or queue it."""
        if self.close_code is not None:
            return
        if message.type is WSMsgType.CLOSE:
            self.close_code = message.data
        elif message.type is WSMsgType.ERROR:
            self.close_code = message.data.code
        if (self._busy or self._stalled) and not self._bypasses_backlog(message):
            self._enqueue(message)
        else:
            self._perform(message)

    def _bypasses_backlog(self, message: WSMessage) -> bool:
        """Return whether to handle a frame while a command runs, unless there is a flood."""
        return message.type not in COMMAND_TYPES and self._is_open and self._budget > 0

    def _perform(self, message: WSMessage) -> None:
        """Handle a frame; after FRAMES_PER_TURN, continue in the next turn of the loop."""
        self._budget -= 1
        try:
            work = self._receive(message)
        except Exception:
            logger.exception("handling a frame failed")
            self.transport.abort()
            return
        if work is not None:
            self._busy = True
            self._task = asyncio.ensure_future(self._finish(work))
        elif self._budget <= 0 and not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._resume)

    def _enqueue(self, message: WSMessage) -> None:
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(message)
        self._backlog_size += _size(message)
        if self._backlog_size > BACKLOG_LIMIT and not self._paused:
            self._paused = True
            self._pause()

    def _pause(self) -> None:
        with suppress(RuntimeError):  # when it is closing
            self.transport.pause_reading()

    async def _finish(self, work: Awaitable[None]) -> None:
        try:
            await work
        finally:
            self._resume()

    def _resume(self) -> None:
        self._busy, self._task, self._budget = False, None, FRAMES_PER_TURN
        while self._backlog and not self._busy and not self._stalled:
            message = self._backlog.popleft()
            self._backlog_size -= _size(message)
            self._perform(message)
        if self._paused and self._backlog_size <= BACKLOG_LIMIT // 2:
            self._paused = False
            with suppress(RuntimeError):
                self.transport.resume_reading()
        if self._lost and not self._busy:
            self._end()

    # Flow control ---------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        self._stalled = True

    def resume_writing(self) -> None:
        self._stalled = False
        if not self._busy:
            self._resume()


def _size(message: WSMessage) -> int:
    """Return the memory of a queued message: characters or bytes, and the overhead."""
    return FRAME_OVERHEAD + (len(message.data) if isinstance(message.data, str | bytes) else 0)


def _ignore(_message: WSMessage) -> None:
    """Ignores frames while the transport is not open."""


def _nothing() -> None:
    """Does nothing on close."""

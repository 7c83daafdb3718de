"""Reception of a long request body into buffers, without the copies that aiohttp's parser makes.

Owns the connection until the body is complete or its reader stops. A buffer is long only while
its predecessor was filled: uploads that stall or trickle hold little memory.
"""

import asyncio
import mmap
from collections.abc import AsyncIterator
from contextlib import suppress

BUFFER = 2**20  # bytes; a fast body has two
SHORT_BUFFER = 2**15  # bytes; a slow one has two of these
INTERVAL = 1.0  # seconds after which what has arrived is passed on, even if it is little


class BodyReceiver(asyncio.BufferedProtocol):
    """Receives bytes of a body: into one buffer while the other one is being stored."""

    def __init__(self, transport: asyncio.Transport, http: asyncio.Protocol, count: int) -> None:
        """`count`: bytes to receive. `http`: the protocol of the connection."""
        self.missing = count  # bytes that have not arrived yet
        self._transport = transport
        self._http = http
        self._buffer = new_buffer(SHORT_BUFFER)
        self._filled = 0  # bytes of the buffer
        self._passed = memoryview(b"")  # what the reader has
        self._spare: memoryview | None = None  # the buffer of what it has
        self._paused = False
        self._ended = False
        self._wanted = asyncio.Event()

    # The transport calls -------------------------------------------------------------------------

    def get_buffer(self, _size: int) -> memoryview:
        return self._buffer[self._filled : self._filled + self.missing]

    def buffer_updated(self, count: int) -> None:
        self._filled += count
        self.missing -= count
        if self._is_full():
            self._paused = True
            self._transport.pause_reading()
            self._wanted.set()

    def _is_full(self) -> bool:
        return not self.missing or self._filled == len(self._buffer)

    def eof_received(self) -> None:
        self._http.eof_received()

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended = True
        self._wanted.set()
        self._http.connection_lost(error)

    # The reader calls ----------------------------------------------------------------------------

    async def pieces(self) -> AsyncIterator[memoryview]:
        """Yield what arrives; a piece is overwritten when the next one is requested.

        Raises ConnectionError when the connection ends too early, after what had arrived.
        """
        try:
            while self.missing or self._filled:
                if not (self._is_full() or self._ended):
                    await self._wait()
                if self._filled:
                    yield self._take()
                    self._passed.release()
                elif self._ended:
                    raise ConnectionResetError("the connection was closed")
        finally:
            self._buffer, self._spare = new_buffer(SHORT_BUFFER), None

    async def _wait(self) -> None:
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(INTERVAL):
                await self._wanted.wait()
                return
        self._spare = None
        if not self._filled and len(self._buffer) > SHORT_BUFFER:
            self._buffer = new_buffer(SHORT_BUFFER)

    def _take(self) -> memoryview:
        """Return what has arrived, and receive into another buffer from now on."""
        size = BUFFER if self._filled == len(self._buffer) else SHORT_BUFFER
        spare, self._spare = self._spare, self._buffer
        self._passed = self._buffer[: self._filled]
        self._buffer = spare if spare is not None and len(spare) == size else new_buffer(size)
        self._filled = 0
        if self._paused and self.missing and not self._ended:
            self._paused = False
            self._transport.resume_reading()
        return self._passed


def new_buffer(size: int) -> memoryview:
    """Return a buffer whose memory the system has back as soon as it is dropped."""
    return memoryview(mmap.mmap(-1, size))

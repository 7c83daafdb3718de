"""Send files with sendfile(2), without copying through the event loop.

Disks are read in threads, so that a slow one delays nothing else.
"""

import asyncio
import os
from contextlib import suppress

from chatserver.threads import Threads

SEND_BYTES = 2**20  # bytes that are sent at once
CLOSING_INTERVAL = 1.0  # seconds after which a sender that waits notices a closed connection
FLUSH_INTERVAL = 0.005  # seconds between checks that the head of the response is sent
download_threads = Threads(4, "downloads")


def can_send(transport: asyncio.Transport) -> bool:
    """Return whether the bytes of a file can be sent as they are: TLS encrypts them."""
    has_socket = transport.get_extra_info("socket") is not None
    return has_socket and transport.get_extra_info("sslcontext") is None


class SocketSender:
    """Writes to the socket of a connection, after what its transport has still to write."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._socket = os.dup(transport.get_extra_info("socket").fileno())

    def close(self) -> None:
        """Close this descriptor of the socket; the connection stays open."""
        os.close(self._socket)

    async def flush(self) -> None:
        """Wait until the transport has written everything."""
        while self._transport.get_write_buffer_size():
            self._require_open()
            await asyncio.sleep(FLUSH_INTERVAL)

    async def send(self, file: int, start: int, count: int) -> int:
        """Send bytes of an open file; return how many. Raises ConnectionError, OSError."""
        while True:
            self._require_open()
            try:
                sent = await download_threads.run(os.sendfile, self._socket, file, start, count)
            except BlockingIOError:
                await self._until_writable()
            else:
                if not sent:
                    raise OSError("the file has become shorter")
                return sent

    def _require_open(self) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the connection was closed")

    async def _until_writable(self) -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._socket, writable.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_INTERVAL):
                    await writable.wait()
        finally:
            loop.remove_writer(self._socket)

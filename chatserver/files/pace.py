"""Speed limits from below: a slow peer holds a connection for too long."""

import asyncio
from collections.abc import AsyncIterator

from chatserver.errors import BadRequest, _

Piece = bytes | memoryview  # of what arrives

WINDOW = 30.0  # seconds


class Pace:
    """Deadlines by which bytes have to be transferred, at some rate over each window."""

    def __init__(self, bytes_per_second: int, window: float = WINDOW) -> None:
        """`window` is in seconds."""
        self._rate = bytes_per_second
        self._window = window
        self._begin()

    def _begin(self) -> None:
        self._wanted = self._rate * self._window
        self.deadline = asyncio.get_running_loop().time() + self._window

    def count(self, transferred: int) -> None:
        """Count bytes; when enough were transferred in the window, the next one begins."""
        self._wanted -= transferred
        if self._wanted <= 0:
            self._begin()


async def paced(
    pieces: AsyncIterator[Piece], bytes_per_second: int, window: float = WINDOW
) -> AsyncIterator[Piece]:
    """Yield the pieces. Raises BadRequest when less than that rate arrives in a window (s)."""
    pace = Pace(bytes_per_second, window)
    while True:
        try:
            async with asyncio.timeout_at(pace.deadline):
                piece = await anext(pieces, b"")
        except TimeoutError:
            raise BadRequest(_("The upload was too slow and was cut off.")) from None
        if not piece:
            return
        yield piece
        pace.count(len(piece))

"""Speed limit of uploads from below: a slow peer holds a connection for too long."""

import asyncio
from collections.abc import AsyncIterator

from chatserver.errors import BadRequest, _

WINDOW = 30.0  # seconds


async def paced(
    pieces: AsyncIterator[bytes], bytes_per_second: int, window: float = WINDOW
) -> AsyncIterator[bytes]:
    """Yield the pieces. Raises BadRequest when less than that rate arrives in a window (s)."""
    clock = asyncio.get_running_loop().time
    wanted, deadline = bytes_per_second * window, clock() + window
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                piece = await anext(pieces, b"")
        except TimeoutError:
            raise BadRequest(_("The upload was too slow and was cut off.")) from None
        if not piece:
            return
        yield piece
        wanted -= len(piece)
        if wanted <= 0:
            wanted, deadline = bytes_per_second * window, clock() + window

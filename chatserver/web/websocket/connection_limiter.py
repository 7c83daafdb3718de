"""Sockets that nobody has signed in on yet: only so many of one address at a time.

Whoever comes while there are too many waits a moment: a school behind one address that comes back
after a restart is no attack.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatserver.errors import RateLimited, _

PATIENCE = 5.0  # seconds to wait for others of the address to be let in or turned away


class ConnectionLimiter:
    """Counts by address; forgets an address as soon as nobody of it waits."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._doors: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()

    @asynccontextmanager
    async def wait(self, address: str) -> AsyncIterator[None]:
        """Hold one place. Raises RateLimited when none becomes free in time."""
        door = self._doors.setdefault(address, asyncio.Semaphore(self._places))
        self._here[address] += 1
        try:
            await _enter(door)
            try:
                yield
            finally:
                door.release()
        finally:
            self._here[address] -= 1
            if not self._here[address]:
                del self._here[address], self._doors[address]


async def _enter(door: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await door.acquire()
    except TimeoutError:
        sentence = _("Too many sockets are being opened from this address.")
        raise RateLimited(1.0, sentence) from None

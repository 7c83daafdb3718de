"""Limit of unauthenticated WebSockets per address.

Above the limit, a connection waits: many clients behind one address that reconnect after a restart
are not an attack.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatserver.errors import RateLimited, _

WAIT_TIMEOUT = 5.0  # seconds to wait for other connections of the address


class ConnectionLimiter:
    """Counts connections by address while any is waiting."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._semaphores: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()

    @asynccontextmanager
    async def wait(self, address: str) -> AsyncIterator[None]:
        """Occupy one of the address's slots. Raises RateLimited if none becomes free in time."""
        semaphore = self._semaphores.setdefault(address, asyncio.Semaphore(self._limit))
        self._waiting[address] += 1
        try:
            await _acquire(semaphore)
            try:
                yield
            finally:
                semaphore.release()
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address], self._semaphores[address]


async def _acquire(semaphore: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(WAIT_TIMEOUT):
            await semaphore.acquire()
    except TimeoutError:
        sentence = _("Too many sockets are being opened from this address.")
        raise RateLimited(1.0, sentence) from None

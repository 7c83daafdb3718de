"""Queues of each user's queries, one at a time, so that no user occupies many readers."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chatserver.errors import RateLimited

QUEUE_TIMEOUT = 8.0  # seconds that a query waits for others of the same user
RETRY_DELAY = 1.0  # seconds until a rejected query may be repeated


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # first come, first served
    length: int = 0


class Turns:
    """Runs one query of each key at a time. Owns the queues."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, _Queue] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for earlier queries with the same key. Raises RateLimited."""
        queue = self._queues.setdefault(key, _Queue())
        queue.length += 1
        try:
            await _acquire(queue.lock)
            try:
                yield
            finally:
                queue.lock.release()
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[key]


async def _acquire(lock: asyncio.Lock) -> None:
    try:
        async with asyncio.timeout(QUEUE_TIMEOUT):
            await lock.acquire()
    except TimeoutError:
        raise RateLimited(RETRY_DELAY) from None

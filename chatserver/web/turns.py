"""Queues of the questions of each user: one after another, so that no user holds many readers."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chatserver.errors import RateLimited

PATIENCE = 8.0  # seconds that a question waits behind others of the same user
RETRY = 1.0  # seconds after which a refused one may be asked again


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # first come, first served
    length: int = 0


class Turns:
    """One question of each key at a time. Owns the queues."""

    def __init__(self) -> None:
        self._queues: dict[Hashable, _Queue] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for those of the same key that came before. Raises RateLimited."""
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
        async with asyncio.timeout(PATIENCE):
            await lock.acquire()
    except TimeoutError:
        raise RateLimited(RETRY) from None

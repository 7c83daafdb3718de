"""Queues by key: work of one user or address waits for its own earlier work, not for others'."""

import asyncio
import math
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chatserver.errors import RateLimited

QUERY_TIMEOUT = 8.0  # seconds that a query waits for others of the same user
RETRY_DELAY = 1.0  # seconds until refused work may be repeated


@dataclass(slots=True)
class _Queue:
    slots: asyncio.Semaphore  # first come, first served
    length: int = 0  # of those that wait or hold a slot


class KeyedQueue:
    """Lets `limit` callers of each key proceed at a time. Owns the queues."""

    def __init__(
        self,
        limit: int = 1,
        *,
        timeout: float,
        longest: float = math.inf,
        refusal: str | None = None,
    ) -> None:
        """`timeout` is in seconds, `longest` the number of callers that wait or hold a slot.

        `refusal` is the sentence for callers that waited so long, or above that number.
        """
        self._limit = limit
        self._timeout = timeout
        self._longest = longest
        self._refusal = refusal
        self._queues: dict[Hashable, _Queue] = {}

    @asynccontextmanager
    async def slot(self, key: Hashable) -> AsyncIterator[bool]:
        """Wait for one of the key's slots, and hold it; yield whether there was none free.

        Raises RateLimited after the timeout.
        """
        queue = self._queues.setdefault(key, _Queue(asyncio.Semaphore(self._limit)))
        if queue.length >= self._longest:
            raise RateLimited(RETRY_DELAY, self._refusal)
        queue.length += 1
        waits = queue.slots.locked()
        try:
            await self._acquire(queue.slots)
            try:
                yield waits
            finally:
                queue.slots.release()
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[key]

    async def _acquire(self, slots: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await slots.acquire()
        except TimeoutError:
            raise RateLimited(RETRY_DELAY, self._refusal) from None

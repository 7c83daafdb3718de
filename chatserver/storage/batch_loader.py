"""Coalesces concurrent lookups into one query.

When all clients reconnect, thousands of sessions and room lists are looked up within a second.
While queries run, further keys are collected for the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from chatserver.errors import Unavailable

BATCH_SIZE = 20  # keys per query, unless set otherwise: it stays fast
MAX_CONCURRENT_QUERIES = 2  # per loader
WAIT_TIMEOUT = 8.0  # seconds until Unavailable: less than the time limit of a request

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class BatchLoader(Generic[Key, Found]):
    """Loads values of one kind by key."""

    def __init__(
        self,
        load: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Found]]],
        *,
        size: int = BATCH_SIZE,
    ) -> None:
        """`load` queries the values of at most `size` keys; missing keys are left out."""
        self._load = load
        self._size = size
        self._waiting: dict[Key, asyncio.Future[Found | None]] = {}
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: Key) -> Found | None:
        """Return the value that a query finds which begins after this call, else None.

        Raises what the query raises, and Unavailable after WAIT_TIMEOUT.
        """
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
            self._waiting[key].add_done_callback(_retrieve_exception)
        answer = self._waiting[key]
        if self._running < MAX_CONCURRENT_QUERIES:
            self._begin()
        try:
            async with asyncio.timeout(WAIT_TIMEOUT):
                return await asyncio.shield(answer)  # other callers may wait for the same key
        except TimeoutError:
            raise Unavailable from None

    def _begin(self) -> None:
        self._running += 1
        task = asyncio.create_task(self._work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        """Query until no key waits. The slot is released in the same turn of the event loop."""
        try:
            while self._waiting:
                keys = list(self._waiting)[: self._size]
                await self._answer({key: self._waiting.pop(key) for key in keys})
        finally:
            self._running -= 1

    async def _answer(self, some: dict[Key, asyncio.Future[Found | None]]) -> None:
        try:
            await self._load_into(some)
        finally:
            for answer in some.values():
                answer.cancel()  # no effect unless this task was cancelled

    async def _load_into(self, some: dict[Key, asyncio.Future[Found | None]]) -> None:
        """If the query of several keys fails, load each alone: one of them may be the cause.

        Not after WAIT_TIMEOUT, because then their callers are gone.
        """
        retry_until = asyncio.get_running_loop().time() + WAIT_TIMEOUT
        try:
            found = await self._load(list(some))
        except Exception as error:
            for key, answer in some.items():
                if len(some) == 1 or asyncio.get_running_loop().time() > retry_until:
                    answer.set_exception(error)
                else:
                    await self._load_into({key: answer})
            return
        for key, answer in some.items():
            answer.set_result(found.get(key))
            await asyncio.sleep(0)  # each caller uses its value in its own turn of the event loop

    async def close(self) -> None:
        """Cancel all lookups and wait for the end of their queries."""
        for answer in self._waiting.values():
            answer.cancel()
        self._waiting.clear()
        for task in [*self._tasks]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _retrieve_exception(answer: asyncio.Future[Any]) -> None:
    """Mark an exception as retrieved, because all callers may be gone when the query fails."""
    if not answer.cancelled():
        answer.exception()

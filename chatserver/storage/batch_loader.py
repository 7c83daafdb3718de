"""What many ask at once is answered by one query: while some run, the next questions gather.

When everybody comes back, thousands look for their session and their rooms within a second.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from chatserver.errors import Unavailable

BATCH_SIZE = 20  # questions that one query answers: it should not take long
MAX_CONCURRENT_QUERIES = 2  # of one kind that run at the same time
WAIT_TIMEOUT = 8.0  # seconds until the caller is refused: less than web.time_limit.LIMIT

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class BatchLoader(Generic[Key, Found]):
    """Questions of one kind."""

    def __init__(self, ask: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Found]]]) -> None:
        """`ask` is the query: by key, without those for which there is nothing."""
        self._ask = ask
        self._waiting: dict[Key, asyncio.Future[Found | None]] = {}
        self._asking = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, key: Key) -> Found | None:
        """What is found by a query that begins after this call.

        Raises what the query raises, and Unavailable when it takes too long.
        """
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
            self._waiting[key].add_done_callback(_heard)
        answer = self._waiting[key]
        if self._asking < MAX_CONCURRENT_QUERIES:
            self._begin()
        try:
            async with asyncio.timeout(WAIT_TIMEOUT):
                return await asyncio.shield(answer)  # others may wait for the same
        except TimeoutError:
            raise Unavailable from None

    def _begin(self) -> None:
        self._asking += 1
        task = asyncio.create_task(self._work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        """Until nobody waits. Whoever asks after that finds a place free, in the same turn."""
        try:
            while self._waiting:
                keys = list(self._waiting)[:BATCH_SIZE]
                await self._answer({key: self._waiting.pop(key) for key in keys})
        finally:
            self._asking -= 1

    async def _answer(self, some: dict[Key, asyncio.Future[Found | None]]) -> None:
        try:
            found = await self._ask(list(some))
            for key, answer in some.items():
                answer.set_result(found.get(key))
        except Exception as error:
            for answer in some.values():
                answer.set_exception(error)
        finally:
            for answer in some.values():
                answer.cancel()  # where neither has happened, as this was cancelled itself

    async def close(self) -> None:
        """Let go of the database. Nobody asks any more."""
        for answer in self._waiting.values():
            answer.cancel()
        self._waiting.clear()
        for task in [*self._tasks]:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _heard(answer: asyncio.Future[Any]) -> None:
    """All who asked may be gone when it fails; then nobody needs to know."""
    if not answer.cancelled():
        answer.exception()

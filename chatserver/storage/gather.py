"""What many ask at once is answered by one query: while some run, the next questions gather.

When everybody comes back, thousands look for their session and their rooms within a second.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

TOGETHER = 20  # questions that one query answers: it should not take long
QUERIES = 2  # that run at the same time; other readers need connections too

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Gathered(Generic[Key, Found]):
    """Questions of one kind."""

    def __init__(self, ask: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Found]]]) -> None:
        """`ask` is the query: by key, without those for which there is nothing."""
        self._ask = ask
        self._waiting: dict[Key, asyncio.Future[Found | None]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def get(self, key: Key) -> Found | None:
        """What is found by a query that begins after this call. Raises what the query raises."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        if len(self._asking) < QUERIES:
            task = asyncio.create_task(self._work())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return await asyncio.shield(answer)  # others may wait for the same

    async def _work(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:TOGETHER]
            await self._answer({key: self._waiting.pop(key) for key in keys})

    async def _answer(self, some: dict[Key, asyncio.Future[Found | None]]) -> None:
        try:
            found = await self._ask(list(some))
        except Exception as error:
            for answer in some.values():
                answer.set_exception(error)
        else:
            for key, answer in some.items():
                answer.set_result(found.get(key))

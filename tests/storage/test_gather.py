"""Many questions, few queries: each gets its own answer, of a query that began after asking."""

import asyncio
from collections.abc import Sequence

import pytest

from chatserver.errors import Unavailable
from chatserver.storage.gather import QUERIES, TOGETHER, Gathered


class Slow:
    """A query that waits to be let go; lengths of names, but nobody knows cy."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.go = asyncio.Event()
        self.broken = False

    async def __call__(self, names: Sequence[str]) -> dict[str, int]:
        self.asked.append([*names])
        await self.go.wait()
        if self.broken:
            raise Unavailable
        return {name: len(name) for name in names if name != "cy"}


async def test_what_is_asked_while_queries_run_shares_the_next_ones() -> None:
    slow = Slow()
    gathered = Gathered(slow)
    names = [f"bo{number}" for number in range(100)]
    first = [asyncio.create_task(gathered.get(name)) for name in ("ann", "bo")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(gathered.get(name)) for name in (*names, "cy")]
    await asyncio.sleep(0)
    assert slow.asked == [["ann", "bo"]]
    slow.go.set()
    assert await asyncio.gather(*first) == [3, 2]
    assert await asyncio.gather(*rest) == [*map(len, names), None]
    assert max(map(len, slow.asked)) == TOGETHER
    assert len(slow.asked) <= 1 + QUERIES + 100 // TOGETHER


async def test_an_answer_is_never_older_than_its_question() -> None:
    slow = Slow()
    gathered = Gathered(slow)
    asking = [asyncio.create_task(gathered.get("ann"))]
    while not slow.asked:
        await asyncio.sleep(0)
    asking += [asyncio.create_task(gathered.get("ann")) for _ in range(10)]
    await asyncio.sleep(0.01)
    slow.go.set()
    assert await asyncio.gather(*asking) == [3] * 11
    assert slow.asked == [["ann"], ["ann"]]


async def test_whoever_goes_away_takes_nobody_s_answer_along() -> None:
    slow = Slow()
    gathered = Gathered(slow)
    gone, other = (asyncio.create_task(gathered.get("ann")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    slow.go.set()
    assert await other == 3
    assert gone.cancelled()


async def test_all_who_asked_hear_that_it_failed_and_the_next_is_asked_anew() -> None:
    slow = Slow()
    slow.go.set()
    slow.broken = True
    gathered = Gathered(slow)
    asking = [asyncio.create_task(gathered.get(name)) for name in ("ann", "bo")]
    for task in asking:
        with pytest.raises(Unavailable):
            await task
    slow.broken = False
    assert await gathered.get("ann") == 3

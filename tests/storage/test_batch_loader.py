"""Batch loader: shared queries that begin after the call, errors and cancellation."""

import asyncio
import gc
from collections.abc import Sequence

import pytest

from chatserver.errors import Unavailable
from chatserver.storage import batch_loader
from chatserver.storage.batch_loader import BATCH_SIZE, MAX_CONCURRENT_QUERIES, BatchLoader


class Slow:
    """Fake query that waits for the test; returns lengths of names, nothing for cy."""

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


async def test_calls_during_running_queries_share_the_next_ones() -> None:
    slow = Slow()
    gathered = BatchLoader(slow)
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
    assert max(map(len, slow.asked)) == BATCH_SIZE
    assert len(slow.asked) <= 1 + MAX_CONCURRENT_QUERIES + 100 // BATCH_SIZE


async def test_a_result_is_never_older_than_its_call() -> None:
    slow = Slow()
    gathered = BatchLoader(slow)
    asking = [asyncio.create_task(gathered.get("ann"))]
    while not slow.asked:
        await asyncio.sleep(0)
    asking += [asyncio.create_task(gathered.get("ann")) for _ in range(10)]
    await asyncio.sleep(0.01)
    slow.go.set()
    assert await asyncio.gather(*asking) == [3] * 11
    assert slow.asked == [["ann"], ["ann"]]


async def test_a_call_in_the_turn_in_which_the_last_query_ends_is_answered() -> None:
    gates: list[asyncio.Future[None]] = []

    async def ask(names: Sequence[str]) -> dict[str, int]:
        gates.append(asyncio.get_running_loop().create_future())
        await gates[-1]
        return {name: len(name) for name in names}

    gathered = BatchLoader(ask)
    early = []
    for name in ("ann", "bo"):
        early.append(asyncio.create_task(gathered.get(name)))
        await asyncio.sleep(0.01)
    assert len(gates) == MAX_CONCURRENT_QUERIES
    wake = asyncio.get_running_loop().create_future()

    async def late() -> int | None:
        await wake
        return await gathered.get("cy")

    last = asyncio.create_task(late())
    await asyncio.sleep(0)
    for future in (*gates, wake):
        future.set_result(None)
    await asyncio.sleep(0.01)
    gates[-1].set_result(None)
    async with asyncio.timeout(1):
        assert await last == 2


async def test_a_database_that_does_not_respond_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_loader, "WAIT_TIMEOUT", 0.05)
    slow = Slow()
    gathered = BatchLoader(slow)
    asking = [asyncio.create_task(gathered.get(f"bo{number}")) for number in range(50)]
    async with asyncio.timeout(1):
        for task in asking:
            with pytest.raises(Unavailable):
                await task
    slow.go.set()
    assert await gathered.get("ann") == 3


async def test_closing_cancels_all_queries_and_callers() -> None:
    slow = Slow()
    gathered = BatchLoader(slow)
    asking = [asyncio.create_task(gathered.get(f"bo{number}")) for number in range(50)]
    await asyncio.sleep(0.01)
    await gathered.close()
    await asyncio.wait(asking, timeout=1)
    assert all(task.cancelled() for task in asking)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_failure_without_callers_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = Slow()
    slow.broken = True
    gathered = BatchLoader(slow)
    asking = asyncio.create_task(gathered.get("ann"))
    await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.sleep(0)
    slow.go.set()
    await asyncio.sleep(0.01)
    del asking
    gc.collect()
    assert caplog.records == []


async def test_cancelling_one_caller_does_not_cancel_others() -> None:
    slow = Slow()
    gathered = BatchLoader(slow)
    gone, other = (asyncio.create_task(gathered.get("ann")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    slow.go.set()
    assert await other == 3
    assert gone.cancelled()


class Refusing:
    """Fails for several keys and for cy; else returns the lengths of names."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def __call__(self, names: Sequence[str]) -> dict[str, int]:
        self.asked.append([*names])
        if len(names) > 1 or names == ["cy"]:
            raise Unavailable
        return {name: len(name) for name in names}


async def test_keys_of_a_batch_that_failed_are_loaded_one_by_one() -> None:
    refusing = Refusing()
    loader = BatchLoader(refusing)
    names = ["ann", "cy", "bo"]
    found = await asyncio.gather(*(loader.get(name) for name in names), return_exceptions=True)
    assert [found[0], found[2]] == [3, 2]
    assert isinstance(found[1], Unavailable)
    assert refusing.asked == [names, ["ann"], ["cy"], ["bo"]]


async def test_a_batch_that_failed_after_the_time_limit_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_loader, "WAIT_TIMEOUT", -1.0)
    refusing = Refusing()
    loader = BatchLoader(refusing)
    keys = {name: asyncio.get_running_loop().create_future() for name in ("ann", "bo")}
    await loader._answer(keys)
    assert {type(answer.exception()) for answer in keys.values()} == {Unavailable}
    assert refusing.asked == [["ann", "bo"]]


async def test_each_caller_gets_its_value_in_its_own_turn() -> None:
    async def load(names: Sequence[str]) -> dict[str, int]:
        return dict.fromkeys(names, 1)

    turn = 0
    turns: list[int] = []

    async def get(name: str) -> None:
        await loader.get(name)
        turns.append(turn)

    loader = BatchLoader(load)
    getting = asyncio.gather(*(get(f"bo{number}") for number in range(BATCH_SIZE)))
    while not getting.done():
        turn += 1
        await asyncio.sleep(0)
    await getting
    assert len(set(turns)) == BATCH_SIZE


async def test_all_callers_get_the_exception_and_the_next_call_runs_a_new_query() -> None:
    slow = Slow()
    slow.go.set()
    slow.broken = True
    gathered = BatchLoader(slow)
    asking = [asyncio.create_task(gathered.get(name)) for name in ("ann", "bo")]
    for task in asking:
        with pytest.raises(Unavailable):
            await task
    slow.broken = False
    assert await gathered.get("ann") == 3

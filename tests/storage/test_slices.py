"""Slices of computation over rows."""

import asyncio
from dataclasses import dataclass

import pytest

from chatserver.storage import slices


@dataclass
class Row:
    body: str | None
    files: str | None = None


def test_slices_count_texts_and_files() -> None:
    long = "x" * slices.SLICE
    rows = [Row("a"), Row("", long), Row(long), Row(None), Row(long[1:], None), Row("", "x")]
    assert [len(part) for part in slices.slices(rows)] == [2, 1, 3]


async def test_other_tasks_run_between_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "TURN", 0.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    assert [row async for row in slices.in_turns(range(100))] == list(range(100))
    assert turns >= 100
    monkeypatch.setattr(slices, "TURN", 3600.0)
    turns = 0
    assert len([row async for row in slices.in_turns(range(100))]) == 100
    assert turns == 0
    other.cancel()

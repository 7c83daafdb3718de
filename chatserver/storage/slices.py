"""Computation over rows in slices of bounded work: of texts off the event loop, of others on it.

A thread that computes for long competes with the event loop for the interpreter lock. So after each
slice the computation pauses for as long as the slice and its consumer took.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

ROWS_PER_READ = 500  # rows per read
SLICE = 4_000  # characters; folding or indexing them takes a few milliseconds
TURN = 0.005  # seconds for which the event loop may be held up


async def pages(
    connection: AsyncConnection,
    query: sa.Select[Any],
    size: int = ROWS_PER_READ,
    *,
    parameters: Mapping[str, Any] | None = None,
) -> AsyncGenerator[Sequence[Any]]:
    """Yield the rows of a query in pages of `size`. Use it with `aclosing`."""
    options = {"yield_per": size}
    async with connection.stream(query, parameters, execution_options=options) as result:
        async for rows in result.partitions():
            yield rows


async def in_turns(rows: Iterable[T]) -> AsyncGenerator[T]:
    """Yield the rows in order; whenever their consumer has worked for TURN, let other tasks run."""
    clock = asyncio.get_running_loop().time
    begun = clock()
    for row in rows:
        yield row
        if clock() - begun >= TURN:
            await asyncio.sleep(0)
            begun = clock()


async def compute_in_slices(
    work: Callable[[list[Any]], T], rows: Iterable[Any]
) -> AsyncGenerator[T]:
    """Yield the results of `work` for slices of `rows`, in order: see `text_length`."""
    clock, rest = asyncio.get_running_loop().time, 0.0
    for part in slices(rows):
        await asyncio.sleep(rest)
        start = clock()
        yield await asyncio.to_thread(work, part)
        rest = clock() - start


def slices(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield the rows in order, in lists of about SLICE characters."""
    part: list[Any] = []
    size = 0
    for row in rows:
        part.append(row)
        size += text_length(row)
        if size >= SLICE:
            yield part
            part, size = [], 0
    if part:
        yield part


def text_length(row: Any) -> int:
    """Return the characters of a message: of its text, and of the JSON of its files."""
    return len(row.body or "") + len(row.files or "")

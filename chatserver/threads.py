"""Threads for blocking work on one kind of resource: a disk that hangs occupies no others."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """A few threads, started when they are needed."""

    def __init__(self, count: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(count, name)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Run blocking work. If cancelled, wait for its end: it uses open descriptors."""
        task = self.start(work, *arguments)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await settled(task)
            raise

    def start(self, work: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """Start blocking work; return its future, which can be abandoned."""
        loop = asyncio.get_running_loop()
        return asyncio.ensure_future(loop.run_in_executor(self._executor, work, *arguments))


async def settled(task: asyncio.Future[Any]) -> None:
    """Return when a future is done, also if this is cancelled several times."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    if not task.cancelled():
        task.exception()  # marks it as retrieved

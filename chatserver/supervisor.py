"""Supervision of endless tasks: a task that ends is logged, counted and restarted.

Every task that runs as long as the server is started here; `tests/test_layers.py` finds others.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

FIRST_DELAY = 0.1  # seconds until a restart; doubled with each end
LONGEST_DELAY = 30.0
HEALTHY = 60.0  # seconds of running after which the delay is reset
PREFIX = "supervised:"  # of the tasks' names

logger = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]


class Supervisor:
    """Owns the endless tasks of a server, by name. `ended` counts how often each has ended."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self._running: dict[str, _Supervised] = {}

    def start(self, name: str, work: Work) -> None:
        """Run `work`, and restart it with a growing delay whenever it ends."""
        self.ended[name] += 0
        self._running[name] = _Supervised(name, work, self.ended)

    async def stop(self, *names: str) -> None:
        """Cancel those of these tasks that were started, or all tasks, and wait for them."""
        running = [name for name in names or list(self._running) if name in self._running]
        await asyncio.gather(*[self._running.pop(name).stop() for name in running])


class _Supervised:
    """A running task, or the timer of its restart."""

    def __init__(self, name: str, work: Work, ended: Counter[str]) -> None:
        self._name = name
        self._work = work
        self._count = ended
        self._delay = FIRST_DELAY
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self._begin()

    def _begin(self) -> None:
        self._began = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._work(), name=PREFIX + self._name)
        self._task.add_done_callback(self._has_ended)

    def _has_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._stopped:
            return
        self._count[self._name] += 1
        loop = asyncio.get_running_loop()
        if loop.time() - self._began > HEALTHY:
            self._delay = FIRST_DELAY
        extra = {"task": self._name, "restart_after": self._delay}
        logger.error("a supervised task has ended and is restarted", extra=extra, exc_info=error)
        self._timer = loop.call_later(self._delay, self._begin)
        self._delay = min(2 * self._delay, LONGEST_DELAY)

    async def stop(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task

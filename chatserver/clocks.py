"""System clocks, and how far they may be wrong. All other modules get clocks as arguments."""

import time
from collections.abc import Awaitable, Callable

MINUTE = 60_000  # milliseconds
DAY = 86_400_000

# Milliseconds. The clock was set if it deviates by more from a clock that only moves forward:
KEEPALIVE_CLOCK_JUMP = 10_000  # between two checks; clients are not to lose their connections
NIGHTLY_CLOCK_JUMP = 600_000  # since the last check; nothing is deleted by a wrong clock
CLOCK_TOLERANCE = 300_000  # accepted difference of the clocks of a node and the database
NODE_CLOCK_DIFFERENCE = 600_000  # by which times of messages may be out of order
MAX_CLOCK_LEAD = 3_600_000  # a stored time further ahead is that of a wrong clock


def wall() -> int:
    """Return milliseconds UTC."""
    return time.time_ns() // 1_000_000


def since_boot() -> float:
    """Return seconds since boot, including sleep where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class CautiousClock:
    """Time that has certainly come, for deletions that a clock set ahead must not bring forward.

    Since the first call it advances with a clock that only moves forward, from the newest time in
    the database on.
    """

    def __init__(
        self,
        now: Callable[[], int],
        newest: Callable[[], Awaitable[int | None]],
        *,
        clock: Callable[[], float] = since_boot,
    ) -> None:
        """`now` and `newest` return milliseconds UTC, `clock` seconds that are never set."""
        self._now = now
        self._clock = clock
        self._newest = newest
        self._offset: float | None = None  # ms UTC when `clock` was 0

    async def now(self) -> int:
        """Return milliseconds UTC, at most the time of the system clock."""
        if self._offset is None:
            newest, now = await self._newest(), self._now()
            self._offset = min(now, now if newest is None else newest) - self._clock() * 1000
        return min(self._now(), round(self._offset + self._clock() * 1000))

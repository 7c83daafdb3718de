"""The clocks of the system. Everything else gets them passed in."""

import time


def wall() -> int:
    """Milliseconds UTC."""
    return time.time_ns() // 1_000_000


def since_boot() -> float:
    """Seconds that go on while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

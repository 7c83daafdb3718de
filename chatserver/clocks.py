"""System clocks. All other modules get them as arguments."""

import time


def wall() -> int:
    """Return milliseconds UTC."""
    return time.time_ns() // 1_000_000


def since_boot() -> float:
    """Return seconds since boot, including sleep where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

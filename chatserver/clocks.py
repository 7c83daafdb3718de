"""System clocks, and how far they may be wrong. All other modules get clocks as arguments."""

import time

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

"""Warning in the log when the process runs out of file descriptors.

Connections that are refused for this reason leave no other trace.
"""

import asyncio
import logging
import os
import resource
from collections.abc import Callable

POLL_INTERVAL = 10.0  # seconds
WARN_SHARE = 0.9  # of the limit; above it a warning is logged
RESET_SHARE = 0.7  # of the limit; below it the next warning is logged again

logger = logging.getLogger(__name__)


def used() -> tuple[int, int]:
    """Return the number of open descriptors, and their limit. Needs /dev/fd."""
    return sum(1 for _ in os.scandir("/dev/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Descriptors:
    """Compares the number of open descriptors with the limit."""

    def __init__(self, used: Callable[[], tuple[int, int]] = used) -> None:
        self._used = used
        self._is_scarce = False

    async def run(self) -> None:
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            self.check()

    def check(self) -> None:
        try:
            count, limit = self._used()
            figures: dict[str, object] = {"open": count, "limit": limit}
        except OSError as error:  # no descriptor is left for the check
            count, limit = 1, 1
            figures = {"reason": error.strerror}
        if count >= WARN_SHARE * limit and not self._is_scarce:
            logger.error(
                "file descriptors run out: new connections are refused; raise LimitNOFILE",
                extra=figures,
            )
        self._is_scarce = count >= (RESET_SHARE if self._is_scarce else WARN_SHARE) * limit

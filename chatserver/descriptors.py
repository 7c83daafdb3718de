"""Warns in the log when this process runs out of file descriptors.

Connections that are refused for want of one leave no trace otherwise.
"""

import asyncio
import logging
import os
import resource
from collections.abc import Callable

INTERVAL = 10.0  # seconds
SCARCE = 0.9  # of the limit
AGAIN = 0.7  # below that share the next time is worth a line again

logger = logging.getLogger(__name__)


def used() -> tuple[int, int]:
    """How many descriptors are open, and how many may be. Needs /dev/fd."""
    return sum(1 for _ in os.scandir("/dev/fd")), resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Descriptors:
    """Compares the open descriptors with their limit."""

    def __init__(self, used: Callable[[], tuple[int, int]] = used) -> None:
        self._used = used
        self._is_scarce = False

    async def run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            self.look()

    def look(self) -> None:
        try:
            count, limit = self._used()
        except OSError as error:  # none is left to look with
            count, limit = 1, 1
            logger.debug("the descriptors could not be counted: %s", error.strerror)
        if count >= SCARCE * limit and not self._is_scarce:
            logger.error(
                "file descriptors run out: new connections are refused; raise LimitNOFILE",
                extra={"open": count, "limit": limit},
            )
        self._is_scarce = count >= (AGAIN if self._is_scarce else SCARCE) * limit

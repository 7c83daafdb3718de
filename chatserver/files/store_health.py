"""Owns the state of a store of files: whether it can be used. Logs when that changes."""

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)


class StoreHealth:
    """Outcome of the last request or check; `reason` says why it failed, "" if it succeeded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns monotonic seconds."""
        self.reason = ""
        self.failures = 0  # requests that failed since the start, with all their repetitions
        self._clock = clock
        self._noted = float("-inf")
        self._began = 0.0

    @property
    def age(self) -> float:
        """Seconds since the last request ended."""
        return self._clock() - self._noted

    def failed(self, reason: str) -> None:
        """Record a request that failed."""
        self.failures += 1
        self._noted = self._clock()
        if not self.reason:
            self._began = self._noted
        if reason != self.reason:
            logger.error("files cannot be stored or read: %s", reason)
        self.reason = reason

    def succeeded(self) -> None:
        """Record a request that was answered."""
        self._noted = self._clock()
        if self.reason:
            seconds = round(self._noted - self._began, 1)
            logger.warning("files are stored and read again", extra={"seconds": seconds})
        self.reason = ""

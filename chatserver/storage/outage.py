"""State of storage: whether messages can be stored. Logs when that changes."""

import logging
import time
from collections.abc import Callable

FAILURE_WINDOW = 5.0  # seconds in which a failed attempt outweighs a probe, which writes less

logger = logging.getLogger(__name__)


class Outage:
    """Outcome of the last attempt; `reason` says why it failed, "" if it succeeded."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns monotonic seconds."""
        self.reason = ""
        self.failures = 0  # attempts that failed since the start
        self._clock = clock
        self._began = 0.0
        self._failed = -FAILURE_WINDOW  # time of the last failed attempt
        self._stored = 0.0  # time of the last successful attempt
        self._probed = clock()  # time of the last probe

    @property
    def age(self) -> float:
        """Seconds since the last attempt or probe."""
        return self._clock() - max(self._stored, self._failed, self._probed)

    def failed(self, reason: str) -> None:
        """Record a failed attempt to store messages."""
        self.failures += 1
        self._failed = self._clock()
        self._note(reason or "the database does not answer")

    def stored(self) -> None:
        """Record a successful attempt."""
        self._stored = self._clock()
        self._end()

    def probed(self, reason: str, *, began: float) -> None:
        """Record a probe that began at `began` and failed with `reason`, or succeeded ("").

        A later successful attempt outweighs its failure, and a recent failed attempt outweighs its
        success, because a probe writes less and may fit on a full disk.
        """
        self._probed = self._clock()
        if reason:
            if self._stored <= began:
                self._note(reason)
        elif self._clock() - self._failed >= FAILURE_WINDOW:
            self._end()

    def _note(self, reason: str) -> None:
        if not self.reason:
            self._began = self._clock()
        if reason != self.reason:
            logger.error("messages cannot be stored: %s", reason)
            self.reason = reason

    def _end(self) -> None:
        if self.reason:
            seconds = round(self._clock() - self._began, 1)
            logger.warning("messages are stored again", extra={"seconds": seconds})
            self.reason = ""

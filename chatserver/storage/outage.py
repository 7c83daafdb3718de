"""Whether messages can be stored: the outcome of the last attempt, and the log lines about it."""

import logging
import time
from collections.abc import Callable

RECENT = 5.0  # seconds in which an attempt says more than a probe, which writes less

logger = logging.getLogger(__name__)


class Outage:
    """`reason` says why the last attempt failed, "" when it did not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives monotonic seconds."""
        self.reason = ""
        self.failures = 0  # attempts that failed since the start
        self._clock = clock
        self._began = 0.0
        self._failed = -RECENT  # when messages failed last
        self._stored = 0.0  # when messages were stored last

    def failed(self, reason: str) -> None:
        """An attempt to store messages failed."""
        self.failures += 1
        self._failed = self._clock()
        self._note(reason or "the database does not answer")

    def stored(self) -> None:
        """An attempt succeeded."""
        self._stored = self._clock()
        self._end()

    def probed(self, reason: str, *, began: float) -> None:
        """A probe of the database that began then failed with that reason, or succeeded ("").

        Messages that were stored since then say more than its failure, and messages that failed
        say more than its success: a probe may find room where they find none.
        """
        if reason:
            if self._stored <= began:
                self._note(reason)
        elif self._clock() - self._failed >= RECENT:
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

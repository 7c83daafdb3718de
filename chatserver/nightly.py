"""Nightly work: retention, on one node only, which claims the night in the database."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from chatserver.clocks import CLOCK_TOLERANCE, NIGHTLY_CLOCK_JUMP
from chatserver.storage.engine import Database
from chatserver.storage.nightly_runs import (
    NightlyRun,
    clock_difference,
    newest_event,
    record_run,
)
from chatserver.storage.retention import expire, reclaim_space

logger = logging.getLogger(__name__)

POLL_INTERVAL = 600.0  # seconds
NIGHT = 3  # hour of the day, in the server's time zone


class Nightly:
    """Deletes old messages once a night, or after the start if a night was missed.

    Nothing is deleted while the clock is not trusted: see `storage.nightly_runs`.
    """

    def __init__(
        self,
        database: Database,
        forgotten: Callable[[], None],
        *,
        now: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        """`forgotten` is called after texts were deleted.

        `now` returns milliseconds UTC; `clock` returns seconds that do not change when that is set.
        """
        self._database = database
        self._forgotten = forgotten
        self._now = now
        self._clock = clock
        self._offset = now() - clock() * 1000
        self._jumped = False
        self._newest: int | None = None  # ms; of the newest event at the start
        self._distrust_reason: str | None = None  # as logged last, to log it once

    async def run(self) -> None:
        await self.note_newest()
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            await self.run_if_due()

    async def note_newest(self) -> None:
        """Compare the clock with the newest event stored before this start."""
        self._newest = await newest_event(self._database)
        if self._newest is not None and self._newest > self._now() + CLOCK_TOLERANCE:
            self._distrust_clock("the newest message is from the future of this clock")

    @property
    def trusts_clock(self) -> bool:
        """Whether the clock agrees with the times in the database."""
        return self._distrust_reason is None

    async def run_if_due(self) -> None:
        """Do the work of this night unless it has been done, here or on another node."""
        try:
            night = await self._recorded()
            if night is not None and night.may_expire:
                await self._work(night.trusted_until)
        except Exception:  # the next night tries again, and the server goes on
            logger.exception("the nightly work failed")

    async def _recorded(self) -> NightlyRun | None:
        """Record and return the night, if one begins and the clock is trusted."""
        now = self._now()
        self._note_jump(now)
        if abs(await clock_difference(self._database, self._now)) > CLOCK_TOLERANCE:
            self._distrust_clock("the clocks of this node and of the database differ")
            return None
        night = await record_run(
            self._database,
            before=night_start(now),
            now=now,
            jumped=self._jumped,
            newest=self._newest,
        )
        if night is not None:
            if not night.streak and self._newest is not None:
                self._distrust_clock("the last nightly run is too far away, or the clock was set")
            self._jumped = False
        return night

    def _note_jump(self, now: int) -> None:
        offset = now - self._clock() * 1000
        self._jumped = self._jumped or abs(offset - self._offset) > NIGHTLY_CLOCK_JUMP
        self._offset = offset

    def _distrust_clock(self, reason: str) -> None:
        if reason != self._distrust_reason:
            logger.warning("no old messages are deleted until the clock is trusted: %s", reason)
        self._distrust_reason = reason

    async def _work(self, trusted_until: int) -> None:
        self._distrust_reason = None
        forgotten = await expire(self._database, until=trusted_until, now=self._now())
        self._forgotten()
        rewritten = await reclaim_space(self._database, forgotten.characters)
        if forgotten.messages or rewritten:
            extra = {"messages": forgotten.messages, "rewritten": rewritten}
            logger.info("deleted old messages", extra=extra)


def night_start(now: int) -> int:
    """Return the start of the current night; both are in milliseconds UTC."""
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone()
    tonight = here.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    start = tonight if tonight <= here else tonight - timedelta(days=1)
    return int(start.timestamp() * 1000)

"""Nightly retention, and restore of an archive.

Both run in one process only: a night is claimed in the database, and a restore locks the data
folder, so that no server uses it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from chatserver.binding import Binding
from chatserver.config import Settings
from chatserver.data_dir import DataDir
from chatserver.errors import ChatServerError
from chatserver.storage import archive_io
from chatserver.storage.archive_file import Archive, Row
from chatserver.storage.engine import Database, wait_until_reachable
from chatserver.storage.migrate import HEAD, migrate
from chatserver.storage.nightly_runs import (
    CLOCK_TOLERANCE,
    NightlyRun,
    clock_difference,
    newest_event,
    record_run,
)
from chatserver.storage.replacement import replace_file
from chatserver.storage.restore_audit import Reinstated, RestoreAudit, Revocations, read_revocations
from chatserver.storage.retention import expire, reclaim_space

POLL_INTERVAL = 600.0  # seconds
NIGHT = 3  # hour of the day, in the server's time zone
CLOCK_JUMP = 600_000  # ms; the clock was set if it deviates by more from the boot clock

logger = logging.getLogger(__name__)

Progress = Callable[[int], None]
Rows = Iterable[Row]


# Retention ---------------------------------------------------------------------------------------


class Nightly:
    """Deletes old messages once a night, or after the start if a night was missed.

    Nothing is deleted while the clock is not trusted: see `storage.nights`.
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
            await self.look()

    async def note_newest(self) -> None:
        """Compare the clock with the newest event stored before this start."""
        self._newest = await newest_event(self._database)
        if self._newest is not None and self._newest > self._now() + CLOCK_TOLERANCE:
            self._distrust_clock("the newest message is from the future of this clock")

    @property
    def trusts_clock(self) -> bool:
        """Whether the clock agrees with the times in the database."""
        return self._distrust_reason is None

    async def look(self) -> None:
        """Do the work of this night unless it has been done, here or on another node."""
        try:
            night = await self._recorded()
            if night is not None and night.may_expire:
                await self._work(night.upto)
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
                self._distrust_clock("this night follows no other one, or the clock was set")
            self._jumped = False
        return night

    def _note_jump(self, now: int) -> None:
        offset = now - self._clock() * 1000
        self._jumped = self._jumped or abs(offset - self._offset) > CLOCK_JUMP
        self._offset = offset

    def _distrust_clock(self, reason: str) -> None:
        if reason != self._distrust_reason:
            logger.warning("no old messages are deleted until the clock is trusted: %s", reason)
        self._distrust_reason = reason

    async def _work(self, upto: int) -> None:
        self._distrust_reason = None
        forgotten = await expire(self._database, upto=upto, now=self._now())
        self._forgotten()
        rewritten = await reclaim_space(self._database, forgotten.characters)
        if forgotten.messages or rewritten:
            facts = {"messages": forgotten.messages, "rewritten": rewritten}
            logger.info("old messages are deleted", extra=facts)


def night_start(now: int) -> int:
    """Return the start of the current night; both are in milliseconds UTC."""
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone()
    tonight = here.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    start = tonight if tonight <= here else tonight - timedelta(days=1)
    return int(start.timestamp() * 1000)


# Restore -----------------------------------------------------------------------------------------


async def restore(
    settings: Settings,
    archive: Archive,
    *,
    replace: bool,
    progress: Progress,
    move: bool = False,
    since: int | None = None,
) -> Reinstated:
    """Replace the content of the database by the archive, under a new epoch, or change nothing.

    `progress` is called with the number of rows added. Sessions are restored: a user who was signed
    in at the time of the backup is signed in again if the keys still exist. What ended at or after
    `since` (ms UTC) ends again; return what else is valid again.

    `move`: the data folder may belong to another database, and belongs to this one afterwards.
    Users are replaced only in a database that the folder belongs to, even with `replace`.

    Raises StartError while a server runs on the folder, WrongDatabase if it belongs to another
    database, NotEmpty if users would be lost, ChatServerError if this program cannot read the
    archive.
    """
    if archive.manifest.revision > HEAD:
        raise ChatServerError(
            f"{archive.path} is newer than this program: it has revision"
            f" {archive.manifest.revision}, the program knows {HEAD}."
        )
    folder = DataDir(settings.data)
    folder.require_access()
    binding = Binding(folder, settings.database_url)
    if not move:
        binding.check()
    owned = binding.fits and not folder.is_vacant
    folder.lock()
    try:
        database = Database(settings.database_url)
        audit = RestoreAudit(await _ended(settings), since=since, now=time.time_ns() // 1_000_000)
        rows = audit.rows(archive.rows())
        await _load(folder, database, rows, replace=replace and owned, progress=progress)
        binding.write()
        return audit.reinstated
    except archive_io.NotEmpty as error:
        if replace:
            raise ChatServerError(f"{error} It is not the database of {folder.path}.") from None
        raise
    finally:
        folder.unlock()


async def preview(settings: Settings, archive: Archive) -> Reinstated:
    """Return what a restore of this archive would make valid again. Changes nothing."""
    audit = RestoreAudit(await _ended(settings), since=None, now=0)
    for _ in audit.rows(archive.rows()):
        pass
    return audit.reinstated


async def _ended(settings: Settings) -> Revocations | None:
    """Read what has ended in the database that will be replaced."""
    database = Database(settings.database_url)
    try:
        return await read_revocations(database)
    finally:
        await database.close()


async def _load(
    folder: DataDir,
    database: Database,
    rows: Rows,
    *,
    replace: bool,
    progress: Progress,
) -> None:
    if database.path is None:
        await _into_server(folder, database, rows, replace=replace, progress=progress)
    else:
        await replace_file(
            database.path, rows, backups=folder.backups, replace=replace, progress=progress
        )


async def _into_server(
    folder: DataDir,
    database: Database,
    rows: Rows,
    *,
    replace: bool,
    progress: Progress,
) -> None:
    """MySQL: one transaction, while no node is connected."""
    try:
        await wait_until_reachable(database)
        await archive_io.require_no_other_clients(database)
        if not replace and not await archive_io.is_empty(database):
            raise archive_io.NotEmpty
        await migrate(database, backups=folder.backups)
        await archive_io.load(database, rows, replace=replace, progress=progress)
    finally:
        await database.close()

"""Count of stored events in a small file beside a SQLite database, to detect lost events.

SQLite opens a database whose WAL was removed, truncated or damaged without an error, and creates a
missing database: acknowledged events would be lost silently. The count is written after each commit
and not flushed, so it survives `kill -9`, and after a power failure it is behind the disk, never
ahead. The file contains the epoch, so that a restored database starts a new count.
"""

import fcntl
import logging
import os
from pathlib import Path

from chatserver.errors import StartError, TemporaryStartError
from chatserver.permissions import give_to_owner

PAGE = 4_096  # bytes; the first one has no table

logger = logging.getLogger(__name__)


class DurabilityCounter:
    """Counter of the events of one epoch. Does nothing without a path, on MySQL."""

    def __init__(self, database: Path | None) -> None:
        self._database = database
        self._path = database and database.with_name(f"{database.name}-tally")
        self._file: int | None = None
        self._epoch = ""
        self._count = 0

    def refuse_empty(self) -> None:
        """Raise StartError if the database is missing or empty but events were counted.

        Call it before the database is opened.
        """
        counted, _ = self._read()
        if counted and self._database is not None and not _has_content(self._database):
            raise self._lost(counted, "the file is gone or empty")

    def refuse_loss(self, epoch: str, stored: int) -> None:
        """Raise StartError if the database has fewer events than were counted."""
        counted, counted_epoch = self._read()
        if counted_epoch == epoch and counted > stored:
            raise self._lost(counted - stored, f"{self._name}-wal was removed or is damaged")

    def begin(self, epoch: str, stored: int) -> None:
        """Lock the file and start at the number of events in the database.

        Raises StartError as `refuse_loss` does, TemporaryStartError while another process has the
        lock.
        """
        if self._path is not None:
            self._file = self._lock(self._path)
        self.refuse_loss(epoch, stored)
        self._epoch, self._count = epoch, stored
        if self._file is not None:
            os.ftruncate(self._file, 0)
            self.add(0)

    def _lock(self, path: Path) -> int:
        """Open and lock the file: two data folders may share one database file."""
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            give_to_owner(path)
        except OSError as error:
            raise StartError(f"{path} cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise TemporaryStartError(f"Another server has {self._database} open.") from None
        except OSError as error:
            os.close(file)
            raise StartError(f"{path} cannot be locked: {error.strerror}.") from None
        return file

    def add(self, events: int) -> None:
        """Count events that were committed. Never raises, because they are stored in any case."""
        self._count += events
        if self._file is not None:
            try:
                os.pwrite(self._file, b"%d %b\n" % (self._count, self._epoch.encode()), 0)
            except OSError as error:
                logger.warning("cannot write the count of stored events: %s", error.strerror)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> tuple[int, str]:
        """Return the count and its epoch; (0, "") if the file is missing or truncated."""
        if self._path is None:
            return 0, ""
        try:
            count, epoch = self._path.read_text(encoding="utf-8").split()
            return int(count), epoch
        except (FileNotFoundError, ValueError):
            return 0, ""
        except OSError as error:
            raise StartError(f"{self._path} cannot be read: {error.strerror}.") from None

    @property
    def _name(self) -> str:
        return self._database.name if self._database else ""

    def _lost(self, events: int, why: str) -> StartError:
        return StartError(
            f"{events} stored events are missing from {self._database}: {why}. Put the files back"
            f" or restore a backup; to go on without them, delete {self._path}."
        )


def _has_content(path: Path) -> bool:
    """Return whether the database has a table, which may be in its WAL only."""
    wal = path.with_name(f"{path.name}-wal")
    return _size(path) > PAGE or (_size(path) > 0 and _size(wal) > 0)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

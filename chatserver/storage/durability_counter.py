"""How many events have been stored, told in a small file beside a SQLite database.

SQLite takes a WAL that was removed, cut or damaged for a whole one, and a missing database for a
new one: what was answered would be gone without a word. The tally is written after each commit and
not flushed, so it survives `kill -9`, and after a power cut it is behind the disk, never ahead. It
names the epoch, so that a restored database starts a tally of its own.
"""

import fcntl
import logging
import os
from pathlib import Path

from chatserver.errors import NotYet, StartError
from chatserver.permissions import give_to_owner

logger = logging.getLogger(__name__)


class DurabilityCounter:
    """The count of one epoch. MySQL has no file, and needs none: `path` is None."""

    def __init__(self, database: Path | None) -> None:
        self._database = database
        self._path = database and database.with_name(f"{database.name}-tally")
        self._file: int | None = None
        self._epoch = ""
        self._count = 0

    def refuse_empty(self) -> None:
        """Before the database is opened. Raises StartError when it is gone, and was not empty."""
        told, _ = self._told()
        if told and self._database is not None and not _has_content(self._database):
            raise self._lost(told, "the file is gone or empty")

    def refuse_loss(self, epoch: str, stored: int) -> None:
        """Raise StartError when the database holds fewer events than were counted."""
        told, of = self._told()
        if of == epoch and told > stored:
            raise self._lost(told - stored, f"{self._name}-wal was removed or is damaged")

    def begin(self, epoch: str, stored: int) -> None:
        """Count on from what the database holds, for this process alone.

        Raises StartError as `refuse_loss` does, NotYet while another process counts.
        """
        if self._path is not None:
            self._file = self._locked(self._path)
        self.refuse_loss(epoch, stored)
        self._epoch, self._count = epoch, stored
        if self._file is not None:
            os.ftruncate(self._file, 0)
            self.add(0)

    def _locked(self, path: Path) -> int:
        """Of two data folders with one file, each would hold its own lock, and write."""
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            give_to_owner(path)
        except OSError as error:
            raise StartError(f"{path} cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise NotYet(f"Another server has {self._database} open.") from None
        except OSError as error:
            os.close(file)
            raise StartError(f"{path} cannot be locked: {error.strerror}.") from None
        return file

    def add(self, events: int) -> None:
        """So many more are on disk. Never fails: they are stored, whatever becomes of the tally."""
        self._count += events
        if self._file is not None:
            try:
                os.pwrite(self._file, b"%d %b\n" % (self._count, self._epoch.encode()), 0)
            except OSError as error:
                logger.warning("the tally stays behind: %s", error.strerror)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _told(self) -> tuple[int, str]:
        """The count and its epoch; nothing when there is no file, or a power cut has torn it."""
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
    return path.exists() and path.stat().st_size > 0

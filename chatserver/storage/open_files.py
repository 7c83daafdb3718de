"""Detection of SQLite files that were removed or replaced while they are open.

A process can go on writing to a removed file, and the data is lost when it closes the file. So each
transaction compares the files under these names with those that were opened.
"""

import os
from pathlib import Path

from chatserver.errors import Unavailable

GONE = "the database file was removed or replaced while the server runs: put it back, or restart"

Identity = tuple[int, int]  # device and inode


class OpenFiles:
    """Identity of the database file and its WAL. Does nothing without a path, on MySQL.

    The database file stays the same while the program runs; SQLite creates a WAL for the first
    connection and removes it after the last one.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = str(path or "")
        self._wal_path = f"{path}-wal"
        self._database: Identity | None = None
        self._wal: Identity | None = None

    def reopened(self) -> None:
        """Forget the WAL, because a new connection may have created a new one."""
        self._wal = None

    def require_unchanged(self) -> None:
        """Raise Unavailable if the files are not those that were opened."""
        if not self._path:
            return
        database, wal = _identity(self._path), _identity(self._wal_path)
        self._database = self._database or database
        self._wal = self._wal or wal
        if database is None or wal is None or (database, wal) != (self._database, self._wal):
            error = Unavailable()
            error.reason = GONE
            raise error


def _identity(path: str) -> Identity | None:
    try:
        at = os.stat(path)  # noqa: PTH116 - faster than Path, for each transaction
    except FileNotFoundError:
        return None
    return at.st_dev, at.st_ino

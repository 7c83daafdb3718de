"""The files of an open SQLite database: what is written to a removed one is lost at the next start.

An open file can be removed or replaced under its program, which goes on as if nothing had happened.
So each transaction compares the files that have these names with those that were opened.
"""

import os
from pathlib import Path

from chatserver.errors import Unavailable

GONE = "the database file was removed or replaced while the server runs: put it back, or restart"

Identity = tuple[int, int]  # device and inode


class OpenFiles:
    """The database and its WAL. Without a path nothing is compared: MySQL has no files here.

    The database is the same one as long as the program runs; SQLite makes a WAL for the first
    connection and removes it behind the last one.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = str(path or "")
        self._wal_path = f"{path}-wal"
        self._database: Identity | None = None
        self._wal: Identity | None = None

    def reopened(self) -> None:
        """A new connection was made, which may have made a new WAL."""
        self._wal = None

    def require_unchanged(self) -> None:
        """Raise Unavailable when the files are not those that were opened."""
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
        at = os.stat(path)  # noqa: PTH116 - for each transaction: without the work of a Path
    except FileNotFoundError:
        return None
    return at.st_dev, at.st_ino

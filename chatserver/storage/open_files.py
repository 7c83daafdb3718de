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
    """The database and its WAL. Without a path nothing is compared: MySQL has no files here."""

    def __init__(self, path: Path | None) -> None:
        self._names = [] if path is None else [os.fspath(path), f"{path}-wal"]
        self._opened: list[Identity] = []

    def reopened(self) -> None:
        """A new connection was made, to the files that have these names now."""
        self._opened = []

    def require_unchanged(self) -> None:
        """Raise Unavailable when the files are not those that were opened."""
        try:
            found = [(at.st_dev, at.st_ino) for at in map(os.stat, self._names)]
        except FileNotFoundError:
            found = []
        if not self._opened:
            self._opened = found
        if found != self._opened:
            error = Unavailable()
            error.reason = GONE
            raise error

"""Binding of a data folder to its database, recorded in the folder.

Without it, a command with another configuration than the server's would read, or create, another
chat: a backup of an empty database looks like a good one. The record is the database's URL without
user, password and options. The path of a SQLite file inside the folder is relative to the folder,
so that the folder may be moved, copied and linked to.
"""

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from chatserver.config import Settings, shown, sqlite_url
from chatserver.data_dir import DATABASE_FILES, DataDir
from chatserver.errors import ChatServerError, StartError
from chatserver.permissions import write_private

LOOPBACK = {"localhost", "127.0.0.1", "::1"}  # the driver uses TCP for all of them
MYSQL_PORT = 3306


class WrongDatabase(StartError):
    """The data folder belongs to another database than the configured one."""


class NoChat(StartError):
    """There is no chat in the data folder, and this command does not create one."""


class Binding:
    """Compares the configured database with the one of the data folder."""

    def __init__(self, folder: DataDir, url: str) -> None:
        self._folder = folder
        self._url = url
        self._identity = identity(url, folder.path)

    @property
    def fits(self) -> bool:
        """Whether the folder belongs to this database, or to none yet."""
        return self._recorded in (None, self._identity)

    def check(self) -> None:
        """Raises WrongDatabase."""
        if not self.fits:
            raise WrongDatabase(
                f"The data folder {self._folder.path} belongs to the database {self._recorded}, and"
                f" this command would use {shown(self._url)}. Name the server's configuration:"
                f" --config FILE or --database URL. If the database has moved, delete"
                f" {self._folder.record}."
            )

    def require(self) -> None:
        """Check, and require that a server has run here. Raises WrongDatabase and NoChat."""
        self.check()
        if self._folder.is_vacant:
            raise NoChat(f"There is no chat in {self._folder.path}. Name its folder: --data.")

    def write(self) -> None:
        """Record that the folder belongs to this database. The folder must be locked."""
        if self._recorded != self._identity:
            write_private(self._folder.record, f"{self._identity}\n")

    @property
    def _recorded(self) -> str | None:
        try:
            return self._folder.record.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StartError(f"{self._folder.record} cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError as error:
            raise StartError(f"{self._folder.record} cannot be read: {error}.") from None


def refuse_own_file(target: Path, settings: Settings) -> None:
    """Raise ChatServerError if `target` is a file of the chat, or not a regular file."""
    if target.exists() and not target.is_file():
        raise ChatServerError(f"{target} is not a regular file.")
    folder = DataDir(settings.data)
    named = identity(sqlite_url(target.absolute()), folder.path)
    database = identity(settings.database_url, folder.path)
    own = {identity(sqlite_url(file), folder.path) for file in folder.files}
    is_stored = target.resolve().is_relative_to(folder.files_folder.resolve())
    if is_stored or named in own | {database + suffix for suffix in DATABASE_FILES}:
        raise ChatServerError(f"{target} belongs to the chat. Choose another file.")


def identity(url: str, folder: Path) -> str:
    """Return a canonical form of the URL of a database."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _of_file(Path(os.fsdecode(unquote(parts.path[1:]))), folder)
    host = (parts.hostname or "").lower()
    address = "localhost" if host in LOOPBACK else host
    return f"mysql://{address}:{parts.port or MYSQL_PORT}/{unquote(parts.path[1:])}"


def _of_file(file: Path, folder: Path) -> str:
    whole, home = Path(os.path.realpath(file)), Path(os.path.realpath(folder))
    return f"sqlite:///{whole.relative_to(home) if whole.is_relative_to(home) else whole}"

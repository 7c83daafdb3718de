"""Data folder of a server: the paths of its files, and the lock of the server that uses it."""

import errno
import fcntl
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from chatserver.errors import StartError, TemporaryStartError
from chatserver.permissions import (
    account,
    give_open_file,
    give_to_owner,
    is_foreign_link,
    keeps_modes,
    obstacles,
)

DATABASE_FILES = (
    "",
    "-wal",
    "-shm",
    "-journal",
    "-tally",
)  # suffixes of SQLite's files and of the durability counter
VERSION_HEADER = "X-Chatserver-Version"  # of all responses on the control socket
LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW  # root must not write through a link


class DataDir:
    """Directories are created with mode 0700, files with 0600. Owns the lock while it is held."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.keys = self.path / "keys.json"
        self.setup_token = self.path / "setup-token"
        self.control = self.path / "control.sock"
        self.revocations = self.path / "revocations"  # see revocations.py
        self.backups = self.path / "backups"
        self.files_folder = self.path / "files"  # of messages: see files/store.py
        self.uploads_folder = self.path / "uploads"  # that arrive, if files are in a bucket
        self.record = self.path / "database"  # the database of the folder: see binding.py
        self._lock_file = self.path / "lock"
        self._lock: IO[str] | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the server itself, without the database."""
        return (
            self.keys,
            self.setup_token,
            self.control,
            self.record,
            self.revocations,
            self._lock_file,
        )

    @property
    def is_new(self) -> bool:
        return not self._lock_file.exists()

    @property
    def is_vacant(self) -> bool:
        """Whether no server has run here and no database was copied here."""
        files = (self.record, self.keys, self.path / "chat.db")
        return not any(file.exists() for file in files)

    @property
    def holder(self) -> str:
        """The id of the process that holds the lock, from the lock file."""
        with suppress(OSError):
            return self._lock_file.read_text("utf-8").strip() or "unknown"
        return "unknown"

    def require_access(self) -> None:
        """Raise StartError for the first file that this account cannot read and write."""
        for obstacle in self.obstacles():
            raise StartError(obstacle)

    def obstacles(self, wanted: int = os.R_OK | os.W_OK) -> Iterator[str]:
        """Yield a sentence for each file that cannot be accessed: see permissions.py."""
        yield from obstacles(self.path, self._contents(), wanted)

    def _contents(self) -> Iterator[Path]:
        """Yield the files in the folder that the server needs; the database may be elsewhere."""
        database = self.path / "chat.db"
        yield from self.files
        yield from (database.with_name(database.name + ending) for ending in DATABASE_FILES)

    def give(self, descriptor: int, file: Path) -> None:
        """Give an open file to the folder's owner if root created it in the folder."""
        if file.resolve().is_relative_to(self.path.resolve()):
            give_open_file(descriptor, self.path)

    def require_own(self) -> None:
        """Raise StartError unless this account may serve the folder; root only its own."""
        owner = self._owner()
        if os.geteuid() == 0 and owner:
            raise StartError(
                f"The data folder {self.path} belongs to {account(owner)}: run this as that"
                f" account, like sudo -u {account(owner)} …"
            )
        self.require_access()

    def _owner(self) -> int:
        """Return the folder's owner, root if it does not exist. Raises StartError."""
        try:
            return self.path.stat().st_uid
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise self._unusable(error) from None

    def lock(self) -> None:
        """Create the folder if necessary, and lock it for this process. Raises StartError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_shared()
            self.require_access()
            self._lock = os.fdopen(os.open(self._lock_file, LOCK_FLAGS, 0o600), "r+")
            give_to_owner(self._lock_file)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise self._in_use(holder) from None
        except OSError as error:
            self._lock.close()
            raise self._unusable(error) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def unlock(self) -> None:
        """Unlock the folder. Files that root created in it are given to the folder's owner."""
        if self._lock is not None:
            copies = () if is_foreign_link(self.backups) else self.backups.glob("*")
            for file in (*self._contents(), self.backups, *copies):
                give_to_owner(file)
            self._lock.close()
            self._lock = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold a shared lock, which excludes servers and `restore`.

        Changes nothing in the folder.
        """
        for obstacle in self.obstacles(os.R_OK):
            raise StartError(obstacle)
        try:
            lock = self._lock_file.open(encoding="utf-8")
        except FileNotFoundError:  # the database was copied here; no server has run
            yield
            return
        with lock:
            self._share(lock)
            yield

    def _share(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._in_use(lock.read().strip() or "unknown") from None
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> StartError:
        return StartError(f"The data folder {self.path} cannot be used: {error.strerror}.")

    def _in_use(self, holder: str) -> TemporaryStartError:
        by = f"a running server (process {holder})" if _is_alive(holder) else "another command"
        return TemporaryStartError(f"The data folder {self.path} is in use by {by}.")

    def _refuse_shared(self) -> None:
        if not self.path.stat().st_mode & stat.S_IWOTH:
            return
        if not keeps_modes(self.path):
            raise StartError(
                f"All users may write to {self.path}, and its file system (FAT, NTFS, 9p of WSL or"
                f" a virtual machine) keeps no permissions. Choose a folder on another file system:"
                f" --data, or mount this one for the server's account alone (uid=, umask=077)."
            )
        raise StartError(f"All users may write to {self.path}. Close it first: chmod o-w.")


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def control_address(path: Path) -> Iterator[str]:
    """Yield an address of the Unix socket that is shorter than the limit of about 100 bytes."""
    if len(os.fsencode(path)) < 100 or sys.platform != "linux":
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)


def is_listening(path: str) -> bool:
    """Return whether a process accepts connections on this Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) in (0, errno.EAGAIN)  # EAGAIN: its queue is full

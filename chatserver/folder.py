"""The data folder of one server: where its files are, and the lock that keeps others out."""

import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from chatserver.errors import NotYet, StartError


class DataFolder:
    """Paths are made with 0700, files with 0600. Owns the lock file while it is held."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.keys = self.path / "keys.json"
        self.setup_token = self.path / "setup-token"
        self.control = self.path / "control.sock"
        self.backups = self.path / "backups"
        self.record = self.path / "database"  # which one the folder belongs to: see binding.py
        self._lock_file = self.path / "lock"
        self._lock: IO[str] | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the server itself, without the database."""
        return (self.keys, self.setup_token, self.control, self.record, self._lock_file)

    @property
    def is_new(self) -> bool:
        return not self._lock_file.exists()

    @property
    def is_vacant(self) -> bool:
        """Whether no server has run here and no database was brought here."""
        files = (self.record, self.keys, self.path / "chat.db")
        return not any(file.exists() for file in files)

    @property
    def holder(self) -> str:
        """The id of the process that holds the folder, as the lock file names it."""
        with suppress(OSError):
            return self._lock_file.read_text("utf-8").strip() or "unknown"
        return "unknown"

    def lock(self) -> None:
        """Make the folder if need be and take it for this process. Raises StartError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_shared()
            self._refuse_root()
            self._lock = os.fdopen(os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600), "r+")
        except OSError as error:
            raise StartError(
                f"The data folder {self.path} cannot be used: {error.strerror}."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise self._in_use(holder) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep servers and `restore` out of the folder while it is read. Changes nothing in it."""
        self._refuse_root()
        try:
            lock = self._lock_file.open(encoding="utf-8")
        except FileNotFoundError:  # a database that was brought here; no server has run
            yield
            return
        except OSError as error:
            raise StartError(f"{self._lock_file} cannot be read: {error.strerror}.") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                raise self._in_use(lock.read().strip() or "unknown") from None
            yield

    def _in_use(self, holder: str) -> NotYet:
        by = f"a running server (process {holder})" if _is_alive(holder) else "another command"
        return NotYet(f"The data folder {self.path} is in use by {by}.")

    def _refuse_root(self) -> None:
        """What root writes into the folder of another account, that account's server cannot."""
        owner = self.path.stat().st_uid
        if owner not in (os.geteuid(), 0) and os.geteuid() == 0:
            raise StartError(
                f"The data folder {self.path} belongs to {_account(owner)}: run this as that"
                f" account, like sudo -u {_account(owner)} …"
            )

    def _refuse_shared(self) -> None:
        if self.path.stat().st_mode & stat.S_IWOTH:
            raise StartError(f"Everybody may write to {self.path}. Close it first: chmod o-w.")


def _account(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"


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
    """A name for a Unix socket that is short enough: they end at about 100 bytes."""
    if len(os.fsencode(path)) < 100 or sys.platform != "linux":
        yield str(path)
        return
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{path.name}"
    finally:
        os.close(descriptor)

"""The data folder of one server: where its files are, and the lock that keeps others out."""

import fcntl
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._lock_file = self.path / "lock"
        self._lock: IO[str] | None = None

    @property
    def is_new(self) -> bool:
        return not self._lock_file.exists()

    @property
    def is_vacant(self) -> bool:
        """Whether no chat has ever been here, nor has its database been brought here."""
        return self.is_new and not (self.path / "chat.db").exists()

    def lock(self) -> None:
        """Make the folder if need be and take it for this process. Raises StartError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_shared()
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
            raise NotYet(
                f"The data folder {self.path} is in use by a running server (process {holder})."
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _refuse_shared(self) -> None:
        if self.path.stat().st_mode & stat.S_IWOTH:
            raise StartError(f"Everybody may write to {self.path}. Close it first: chmod o-w.")


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

"""The folder of files, recognised by a marker: its disk or share may not be mounted.

Without the marker, new files would go to another disk, and deleted ones would stay on theirs.
"""

import asyncio
import os
from pathlib import Path
from threading import Lock

from chatserver.errors import FilesUnavailable
from chatserver.files.store_health import StoreHealth
from chatserver.permissions import give_to_owner, obstacle
from chatserver.storage.archive_writer import fsync_directory, private
from chatserver.threads import Threads

MARKER = ".chatserver"  # an empty file
CHECK_INTERVAL = 5.0  # seconds
RESPONSE_TIMEOUT = 10.0  # seconds


class MarkedFolder:
    """Marks the folder on its first use, and checks it. All methods but `watch` block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._marker = folder / MARKER
        self._may_mark = True
        self._marking = Lock()  # uploads in several threads may be the first ones
        self.health = StoreHealth()

    def forbid_marking(self) -> None:
        """Call this if the chat has files and none of them is in the folder."""
        self._may_mark = False

    def use(self) -> None:
        """Mark a new folder. Raises FilesUnavailable if it was marked and is not now."""
        if not self._marker.exists():
            with self._marking:
                self._mark_if_new()
        self._may_mark = False

    def _mark_if_new(self) -> None:
        if self._marker.exists():  # another thread has marked it
            return
        if not self._may_mark:
            raise FilesUnavailable(self._absent)
        self._folder.mkdir(mode=0o700, exist_ok=True)  # another node may create it
        give_to_owner(self._folder)
        fsync_directory(self._folder.parent)
        with open(self._marker, "wb", opener=private) as marker:
            os.fsync(marker.fileno())
        give_to_owner(self._marker)
        fsync_directory(self._folder)

    @property
    def _absent(self) -> str:
        return (
            f"{self._folder} has none of the files of this chat: is its disk mounted? If they are"
            f" permanently lost, create {self._marker} to continue without them"
        )

    def check(self) -> None:
        """Find out whether the folder can be used."""
        reason = obstacle(self._folder, os.R_OK | os.W_OK)
        if reason is None and not self._may_mark and not self._marker.exists():
            reason = self._absent
        if reason is None:
            self.health.succeeded()
        else:
            self.health.failed(reason)

    async def watch(self, threads: Threads) -> None:
        """Check the folder until cancelled."""
        while True:
            try:
                async with asyncio.timeout(RESPONSE_TIMEOUT):
                    await threads.start(self.check)
            except TimeoutError:
                self.health.failed(f"{self._folder}: the disk does not answer")
            except OSError as error:
                self.health.failed(f"{self._folder}: {error.strerror}")
            await asyncio.sleep(CHECK_INTERVAL)

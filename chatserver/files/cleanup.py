"""Deletion of files whose messages are deleted, of unsent files, and of bytes without a file.

Bytes are deleted first, then the row, so that a crash between two steps leaves a row by which the
next poll continues. The rows are polled, because messages are deleted on other nodes too.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from chatserver.errors import ChatServerError
from chatserver.files.store import Store
from chatserver.storage.files import Files, Usage

POLL_INTERVAL = 5.0  # seconds until the files of a deleted message are deleted
SWEEP_INTERVAL = 3_600.0  # seconds between searches for unsent files and for orphans
BATCH_SIZE = 100  # files

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """Counters since the start, for metrics."""

    deleted: int = 0
    orphans: int = 0


class FileCleanup:
    """Deletes files that belong to nothing any more."""

    def __init__(
        self, files: Files, store: Store, *, lifetime: int, clock: Callable[[], int]
    ) -> None:
        """`lifetime`: milliseconds for which unsent files are kept; `clock` returns ms UTC."""
        self._files = files
        self._store = store
        self._lifetime = lifetime
        self._clock = clock
        self.counts = Counts()
        self.usage: Usage | None = None  # at the last sweep

    async def run(self) -> None:
        """Delete what is due every few seconds, and look for leftovers at the start and hourly."""
        clock = asyncio.get_running_loop().time
        next_sweep = 0.0
        while True:
            try:
                if clock() >= next_sweep:
                    await self.sweep()
                    next_sweep = clock() + SWEEP_INTERVAL
                await self.delete_due()
            except ChatServerError as error:
                logger.warning("deleted files are still on disk: %s", error)
            await asyncio.sleep(POLL_INTERVAL)

    async def sweep(self) -> None:
        """Delete unsent files that are too old, and everything that belongs to no message."""
        await self._files.expire(self._clock() - self._lifetime)
        await self._files.expire_orphans()
        await self.delete_due()
        await self._delete_unregistered()
        self.usage = await self._files.usage()

    async def delete_due(self) -> None:
        """Delete the bytes and then the rows of files that are to be deleted."""
        while due := await self._files.to_delete(BATCH_SIZE):
            for file_id in due:
                await self._store.delete(file_id)
            await self._files.delete_rows(due)
            self.counts.deleted += len(due)

    async def _delete_unregistered(self) -> None:
        """Delete bytes without a row: a row is written first and deleted last."""
        async for stored in self._store.ids():
            for file_id in sorted({*stored} - await self._files.known(stored)):
                await self._store.delete(file_id)
                self.counts.orphans += 1

"""Deletion of files whose messages are deleted, of unsent files, and of bytes without a row.

Bytes are deleted first, then the row, so that a crash between two steps leaves a row by which the
next poll continues. The rows are polled, because messages are deleted on other nodes too.

A file has no row after an older backup was restored. It is kept for a month, because the replaced
database, which needs it, may be put back. Sweeps are counted, so that no clock can shorten that;
each of several nodes counts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chatserver.errors import ChatServerError
from chatserver.files.store import FileStore, Space
from chatserver.storage.file_deletion import FileDeletion
from chatserver.storage.files import FileRegister, Usage

POLL_INTERVAL = 5.0  # seconds until the files of a deleted message are deleted
SWEEP_INTERVAL = 3_600.0  # seconds between searches for unsent files and for unregistered ones
BATCH_SIZE = 100  # files
UNREGISTERED_SWEEPS = 720  # hourly sweeps of all nodes after which a file without a row is deleted

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """Counters since the start, for metrics."""

    deleted: int = 0
    unregistered: int = 0


class FileCleanup:
    """Deletes files that belong to nothing any more. Owns their usage at the last sweep."""

    def __init__(
        self,
        register: FileRegister,
        deletion: FileDeletion,
        store: FileStore,
        *,
        lifetime: int,
        now: Callable[[], Awaitable[int]],
    ) -> None:
        """`lifetime`: milliseconds for which unsent files are kept; `now` returns ms UTC."""
        self._register = register
        self._deletion = deletion
        self._store = store
        self._lifetime = lifetime
        self._now = now
        self.counts = Counts()
        self.usage: Usage | None = None  # at the last sweep
        self.space: Space | None = None  # at the last poll

    async def run(self) -> None:
        """Delete what is due every few seconds, and look for leftovers at the start and hourly."""
        clock = asyncio.get_running_loop().time
        next_sweep, first = 0.0, True
        while True:
            try:
                if clock() >= next_sweep:
                    next_sweep = clock() + SWEEP_INTERVAL  # also after a failure
                    await self.sweep(first=first)
                    first = False
                await self.delete_due()
                await self.measure_space()
            except ChatServerError as error:
                logger.warning("the deletion of files failed, and is retried: %s", error)
            await asyncio.sleep(POLL_INTERVAL)

    async def sweep(self, *, first: bool = False) -> None:
        """Delete unsent files that are too old, and everything that belongs to no message.

        `first`: leave out the scan of the store, because a server may restart often.
        """
        await self._deletion.expire(await self._now() - self._lifetime)
        await self._deletion.expire_unreferenced()
        await self.delete_due()
        if not first:
            await self._delete_unregistered()
            await self._store.tidy(self._register.uploading)
        self.usage = await self._register.usage()
        await self.measure_space()

    async def measure_space(self) -> None:
        """Note the space of the disk where uploads arrive."""
        self.space = await self._store.uploads.space()

    async def delete_due(self) -> None:
        """Delete the bytes and then the rows of files that are to be deleted, if possible now."""
        if self._store.failure:
            return
        after = None
        while due := await self._deletion.to_delete(BATCH_SIZE, after=after):
            deleted = [file.id for file in due if await self._try_delete(file.id)]
            self.counts.deleted += await self._deletion.delete_rows(deleted)
            after = due[-1]

    async def _try_delete(self, file_id: str) -> bool:
        """Delete the bytes of a file; return whether that succeeded."""
        try:
            await self._store.delete(file_id)
        except ChatServerError as error:
            logger.warning("the deleted file %s is still on disk: %s", file_id, error)
            return False
        return True

    async def _delete_unregistered(self) -> None:
        """Delete bytes that never had a row, and files that have had none for a month.

        A row is written before its bytes and deleted after them. Deleted files do not wait for the
        end of this.
        """
        clock = asyncio.get_running_loop().time
        next_poll = clock() + POLL_INTERVAL
        async for stored in self._store.ids():
            if clock() >= next_poll:
                await self.delete_due()
                next_poll = clock() + POLL_INTERVAL
            for file_id in sorted({*stored} - await self._register.known(stored)):
                sweeps = await self._store.note_unregistered(file_id)
                if sweeps is None or sweeps >= UNREGISTERED_SWEEPS:
                    self.counts.unregistered += await self._try_delete(file_id)

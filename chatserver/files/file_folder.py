"""The folder that stores files: their paths, and work in threads whose failures become errors."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from chatserver.errors import DISK_FULL, NotFound, Unavailable, _
from chatserver.files.folder_names import listed, readable_size, subfolders
from chatserver.files.marked_folder import RESPONSE_TIMEOUT, MarkedFolder
from chatserver.threads import Threads

T = TypeVar("T")

THREADS = 4
FOLDERS_PER_BATCH = 200  # most have one file

logger = logging.getLogger(__name__)


class FileFolder:
    """Files in a folder: `ab/cd/abcd…`. Folders have mode 0700, files 0600."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.marked = MarkedFolder(root)
        self._threads = Threads(THREADS, "files")
        self._readers = Threads(THREADS, "downloads")  # do not wait for uploads that are flushed

    def path(self, file_id: str, suffix: str = "") -> Path:
        return self.root / file_id[:2] / file_id[2:4] / f"{file_id}{suffix}"

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Do blocking work. Raises NotFound without the file, Unavailable if the disk fails."""
        try:
            return await self._threads.run(work, *arguments)
        except FileNotFoundError:
            raise await self._missing() from None
        except OSError as error:
            raise refusal(error) from error

    async def readable_size(self, path: Path) -> int:
        """Return the size of a file that can be read. Raises as `in_thread`, also if it hangs."""
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT):
                return await self._readers.start(readable_size, path)
        except FileNotFoundError:
            raise await self._missing() from None
        except (OSError, TimeoutError) as error:
            logger.warning("a file cannot be read: %s", error.strerror or "no answer in time")
            raise Unavailable(_("The server cannot read files right now.")) from error

    async def _missing(self) -> NotFound:
        """Return the error for a missing file. Raises FilesUnavailable if the folder is missing."""
        await self._threads.run(self.marked.use)
        return NotFound()

    async def names(self) -> AsyncIterator[list[str]]:
        """Yield the names of all files, in batches."""
        folders = iter(await self.in_thread(subfolders, self.root))
        while batch := list(itertools.islice(folders, FOLDERS_PER_BATCH)):
            yield await self.in_thread(listed, batch)

    async def watch(self) -> None:
        """Check the folder until cancelled."""
        await self.marked.watch(self._threads)


def refusal(error: OSError) -> Unavailable:
    logger.warning("a file cannot be stored or read: %s", error.strerror)
    if error.errno in DISK_FULL:
        return Unavailable(_("The disk of the server is full: files cannot be stored now."))
    return Unavailable(_("The server cannot store files right now."))

"""Files in a folder, which several nodes may share."""

import asyncio
import itertools
import logging
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from chatserver.errors import DISK_FULL, NotFound, Unavailable, _
from chatserver.files.folder_names import listed, readable_size, subfolders
from chatserver.files.marked_folder import RESPONSE_TIMEOUT, MarkedFolder
from chatserver.files.pace import Piece
from chatserver.files.part import Checksum, Locked, Part, lock_for_completion, rename_part
from chatserver.files.running_digests import RunningDigests
from chatserver.files.store import CLEAN, PART, SEALED, THUMBS, Space, require_size
from chatserver.permissions import give_to_owner
from chatserver.storage.archive_writer import fsync_directory, private
from chatserver.threads import Threads

T = TypeVar("T")

PIECE = 2**20  # bytes that are written in one go
LOCK = ".lock"  # suffix of an empty file, locked while a node completes the file
UNREGISTERED = ".unregistered"  # suffix of a file with a byte for each sweep that found no row
SUFFIXES = (
    *(f".{size}" for size in THUMBS),
    *(CLEAN, PART, SEALED, LOCK, UNREGISTERED),
    "",  # the file itself goes last
)
COPIED = (*(f".{size}" for size in THUMBS), "")  # suffixes of a complete file, itself the last
ID_LENGTH = 22
THREADS = 4
FOLDERS_PER_BATCH = 200  # most have one file

logger = logging.getLogger(__name__)


class FolderStore:
    """Files in a folder: `ab/cd/abcd…`. Folders have mode 0700, files 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = Threads(THREADS, "files")
        self._marked = MarkedFolder(folder)
        self._digests = RunningDigests()

    @property
    def failure(self) -> str:
        return self._marked.health.reason

    async def prepare(self, known: Sequence[str]) -> None:
        if known and not any([await self.exists(file_id) for file_id in known]):
            self._marked.forbid_marking()
        elif known:
            await self._in_thread(self._marked.use)

    async def close(self) -> None:
        """Do nothing."""

    async def watch(self) -> None:
        await self._marked.watch(self._threads)

    def path(self, file_id: str, suffix: str = "") -> Path:
        return self._folder / file_id[:2] / file_id[2:4] / f"{file_id}{suffix}"

    async def create(self, file_id: str) -> None:
        await self._in_thread(self._create, file_id)

    def _create(self, file_id: str) -> None:
        self._marked.use()
        part = self.path(file_id, PART)
        for _attempt in range(3):  # another deletion may remove an empty folder just now
            for folder in (part.parent.parent, part.parent):
                with suppress(FileExistsError):
                    folder.mkdir(mode=0o700)
                    fsync_directory(folder.parent)
            with suppress(FileNotFoundError):
                os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                return
        raise FileNotFoundError(part)

    async def size(
        self,
        file_id: str,
        *,
        limit: int | None = None,  # noqa: ARG002 - other stores need it
    ) -> int | None:
        return await self._in_thread(self._size, file_id)

    def _size(self, file_id: str) -> int | None:
        try:
            return self.path(file_id, PART).stat().st_size
        except FileNotFoundError:
            self._sealed(file_id)
            return None

    async def append(
        self,
        file_id: str,
        offset: int,
        pieces: AsyncIterator[Piece],
        *,
        limit: int,
        checksum: Checksum | None = None,
    ) -> int:
        part = await self._in_thread(self._part, file_id, offset, limit, checksum)
        waiting = bytearray()
        try:
            async for piece in pieces:
                if len(piece) >= PIECE and not waiting:
                    await self._in_thread(part.write, piece)
                    continue
                waiting += piece
                if len(waiting) >= PIECE:
                    full, waiting = waiting, bytearray()
                    await self._in_thread(part.write, full)
        finally:
            await self._in_thread(part.close, waiting)
        return await self._in_thread(part.verified)

    def _part(self, file_id: str, offset: int, limit: int, checksum: Checksum | None) -> Part:
        try:
            return Part(self.path(file_id, PART), offset, limit, checksum, self._digests)
        except FileNotFoundError:
            if self.path(file_id, SEALED).exists():
                raise Locked from None
            raise

    @asynccontextmanager
    async def lock_completion(self, file_id: str) -> AsyncIterator[None]:
        path = self.path(file_id, LOCK)
        lock = await self._in_thread(lock_for_completion, path)
        try:
            yield
        finally:
            try:
                await self._in_thread(partial(path.unlink, missing_ok=True))  # while it is locked
            finally:
                os.close(lock)

    async def seal(self, file_id: str, size: int) -> str:
        return await self._in_thread(self._seal, file_id, size)

    def _seal(self, file_id: str, size: int) -> str:
        with suppress(FileNotFoundError):
            rename_part(self.path(file_id, PART), self.path(file_id, SEALED), size)
        return self._sealed(file_id)

    def _sealed(self, file_id: str) -> str:
        """Return the suffix of a sealed file, "" of a complete one. Raises FileNotFoundError."""
        if self.path(file_id, SEALED).exists():
            return SEALED
        self.path(file_id).stat()
        return ""

    async def head(self, file_id: str, suffix: str, count: int) -> bytes:
        def read() -> bytes:
            with self.path(file_id, suffix).open("rb") as file:
                return file.read(count)

        return await self._in_thread(read)

    async def digest(
        self, file_id: str, suffix: str = "", *, unchanged: bool = False
    ) -> tuple[str, int]:
        path = self.path(file_id, suffix)
        return await self._in_thread(partial(self._digests.of, file_id, path, unchanged=unchanged))

    async def commit(self, file_id: str) -> None:
        await self._in_thread(self._commit, file_id)

    def _commit(self, file_id: str) -> None:
        source, file = self.path(file_id, self._sealed(file_id)), self.path(file_id)
        with source.open("rb") as written:
            os.fsync(written.fileno())
        source.rename(file)
        fsync_directory(file.parent)

    async def delete(self, file_id: str) -> None:
        await self._in_thread(self._delete, file_id)

    def _delete(self, file_id: str) -> None:
        self._marked.use()
        for suffix in SUFFIXES:
            self.path(file_id, suffix).unlink(missing_ok=True)
        folder = self.path(file_id).parent
        fsync_directory(folder)
        with suppress(OSError):  # there are other files
            folder.rmdir()
            folder.parent.rmdir()

    async def note_unregistered(self, file_id: str) -> int | None:
        return await self._in_thread(self._note_unregistered, file_id)

    def _note_unregistered(self, file_id: str) -> int | None:
        if not self.path(file_id).exists():
            return None
        with self.path(file_id, UNREGISTERED).open("ab") as notes:
            notes.write(b".")
            return notes.tell()

    async def ids(self) -> AsyncIterator[list[str]]:
        async for names in self._names():
            if found := sorted({name[:ID_LENGTH] for name in names if len(name) >= ID_LENGTH}):
                yield found

    async def complete_ids(self) -> AsyncIterator[list[str]]:
        async for names in self._names():
            yield [name for name in names if len(name) == ID_LENGTH]

    async def _names(self) -> AsyncIterator[list[str]]:
        folders = iter(await self._in_thread(subfolders, self._folder))
        while batch := list(itertools.islice(folders, FOLDERS_PER_BATCH)):
            yield await self._in_thread(listed, batch)

    async def exists(self, file_id: str) -> bool:
        return await self._in_thread(lambda: any(self.path(file_id, s).exists() for s in SUFFIXES))

    async def tidy(self, uploading: Callable[[list[str]], Awaitable[set[str]]]) -> None:
        """Do nothing: completion removes what has arrived."""

    @asynccontextmanager
    async def readable(self, file_id: str, limit: int) -> AsyncIterator[Path]:  # noqa: ARG002
        yield await self.require(file_id)

    async def copies(self, file_id: str) -> AsyncIterator[Path]:
        if self.path(file_id).exists():
            for path in [self.path(file_id, suffix) for suffix in COPIED]:
                if path.exists():
                    yield path

    async def add(self, file_id: str, suffix: str, pieces: Iterator[bytes]) -> bool:
        return await self._in_thread(self._add, file_id, suffix, pieces)

    def _add(self, file_id: str, suffix: str, pieces: Iterator[bytes]) -> bool:
        self._marked.use()
        target, part = self.path(file_id, suffix), self.path(file_id, PART)
        for folder in (target.parent.parent, target.parent):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                give_to_owner(folder)
                fsync_directory(folder.parent)
        part.unlink(missing_ok=True)
        with open(part, "xb", opener=private) as opened:
            opened.writelines(pieces)
            opened.flush()
            os.fsync(opened.fileno())
        give_to_owner(part)
        is_new = not target.exists()
        part.rename(target)
        fsync_directory(target.parent)
        return is_new

    async def remove(self, file_id: str, suffix: str) -> None:
        await self._in_thread(partial(self.path(file_id, suffix).unlink, missing_ok=True))

    async def space(self) -> Space:
        def measure() -> Space:
            existing = self._folder if self._folder.exists() else self._folder.parent
            usage = shutil.disk_usage(existing)
            return Space(usage.free, usage.total)

        return await self._in_thread(measure)

    async def require(self, file_id: str, suffix: str = "", *, size: int | None = None) -> Path:
        path = self.path(file_id, suffix)
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT):
                require_size(file_id, await self._threads.start(readable_size, path), size)
                return path
        except FileNotFoundError:
            raise await self._missing() from None
        except (OSError, TimeoutError) as error:
            logger.warning("a file cannot be read: %s", error.strerror or "no answer in time")
            raise Unavailable(_("The server cannot read files right now.")) from error

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await self._threads.run(work, *arguments)
        except FileNotFoundError:
            raise await self._missing() from None
        except OSError as error:
            raise refusal(error) from error

    async def _missing(self) -> NotFound:
        """Return the error for a missing file. Raises FilesUnavailable if the folder is missing."""
        await self._threads.run(self._marked.use)
        return NotFound()


def refusal(error: OSError) -> Unavailable:
    logger.warning("a file cannot be stored or read: %s", error.strerror)
    if error.errno in DISK_FULL:
        return Unavailable(_("The disk of the server is full: files cannot be stored now."))
    return Unavailable(_("The server cannot store files right now."))

"""Storage of the bytes of files, by id, with the thumbnails beside them.

Bytes are written to a part, which is flushed to disk before it becomes the file. A folder that
several nodes share works as well as a local one.
"""

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from chatserver.errors import NotFound, Unavailable, _
from chatserver.files.part import Checksum, Part

T = TypeVar("T")

PIECE = 2**20  # bytes that are written or hashed in one go
PART = ".part"  # suffix of a file that is not complete
THUMBS = (480, 1_600)  # pixels of the longer side of thumbnails
SUFFIXES = (*(f".{size}" for size in THUMBS), ".clean", PART, "")  # the file itself goes last
ID_LENGTH = 22
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a disk."""

    free: int
    total: int


class Store(Protocol):
    """Bytes of files. Methods raise NotFound for an unknown id, Unavailable for a broken disk."""

    async def create(self, file_id: str) -> None:
        """Begin a file, which is empty."""

    async def size(self, file_id: str) -> int:
        """Return the number of bytes of a part that have arrived."""

    async def append(
        self,
        file_id: str,
        offset: int,
        pieces: AsyncIterator[bytes],
        *,
        limit: int,
        checksum: Checksum | None = None,
    ) -> int:
        """Add bytes at the end of a part; return its size. What arrives before a failure stays."""

    async def head(self, file_id: str, count: int) -> bytes:
        """Return the first bytes of a part."""

    async def digest(self, file_id: str, suffix: str = PART) -> tuple[str, int]:
        """Return the SHA-256 of a part, or of the file, and the size."""

    async def complete(self, file_id: str) -> None:
        """Turn a part into the file; it is on disk when this returns."""

    async def delete(self, file_id: str) -> None:
        """Delete everything of a file; it is off the disk when this returns."""

    def path(self, file_id: str, suffix: str = "") -> Path:
        """Return the path of a file, its part or a thumbnail, which may be missing."""

    def ids(self) -> AsyncIterator[list[str]]:
        """Yield the ids of everything that is stored, in batches."""

    async def space(self) -> Space:
        """Return the free and the total space."""


class FolderStore:
    """Files in a folder: `ab/cd/abcd…`. Folders have mode 0700, files 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, file_id: str, suffix: str = "") -> Path:
        return self._folder / file_id[:2] / file_id[2:4] / f"{file_id}{suffix}"

    async def create(self, file_id: str) -> None:
        await _in_thread(self._create, file_id)

    def _create(self, file_id: str) -> None:
        part = self.path(file_id, PART)
        if not part.parent.exists():
            for folder in (self._folder, part.parent.parent, part.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
                _flush_folder(folder.parent)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    async def size(self, file_id: str) -> int:
        return await _in_thread(lambda: self.path(file_id, PART).stat().st_size)

    async def append(
        self,
        file_id: str,
        offset: int,
        pieces: AsyncIterator[bytes],
        *,
        limit: int,
        checksum: Checksum | None = None,
    ) -> int:
        part = await _in_thread(Part, self.path(file_id, PART), offset, limit, checksum)
        waiting = bytearray()
        try:
            async for piece in pieces:
                waiting += piece
                if len(waiting) >= PIECE:
                    full, waiting = waiting, bytearray()
                    await _in_thread(part.write, full)
        finally:
            await _in_thread(part.close, waiting)
        return await _in_thread(part.verified)

    async def head(self, file_id: str, count: int) -> bytes:
        def read() -> bytes:
            with self.path(file_id, PART).open("rb") as file:
                return file.read(count)

        return await _in_thread(read)

    async def digest(self, file_id: str, suffix: str = PART) -> tuple[str, int]:
        return await _in_thread(_digest, self.path(file_id, suffix))

    async def complete(self, file_id: str) -> None:
        await _in_thread(self._complete, file_id)

    def _complete(self, file_id: str) -> None:
        part, file = self.path(file_id, PART), self.path(file_id)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.rename(file)
        _flush_folder(file.parent)

    async def delete(self, file_id: str) -> None:
        await _in_thread(self._delete, file_id)

    def _delete(self, file_id: str) -> None:
        for suffix in SUFFIXES:
            self.path(file_id, suffix).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            _flush_folder(self.path(file_id).parent)

    async def ids(self) -> AsyncIterator[list[str]]:
        for folder in await _in_thread(_subfolders, self._folder):
            if found := await _in_thread(_ids, folder):
                yield found

    async def space(self) -> Space:
        def measure() -> Space:
            existing = self._folder if self._folder.exists() else self._folder.parent
            usage = shutil.disk_usage(existing)
            return Space(usage.free, usage.total)

        return await _in_thread(measure)


def _digest(path: Path) -> tuple[str, int]:
    found, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            found.update(piece)
            size += len(piece)
    return found.hexdigest(), size


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("??/??") if path.is_dir())


def _ids(folder: Path) -> list[str]:
    names = {path.name[:ID_LENGTH] for path in folder.iterdir()}
    return sorted(name for name in names if len(name) == ID_LENGTH)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with _unless_unsupported():
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _unless_unsupported() -> Iterator[None]:
    """Ignore file systems that cannot flush folders: CIFS, sshfs, 9p."""
    try:
        yield
    except OSError as error:
        if error.errno in (*FULL, errno.EIO):
            raise


async def _in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Run blocking work. If cancelled, wait for its end first: it uses an open file."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(Exception):
            await task
        raise
    except FileNotFoundError:
        raise NotFound from None
    except OSError as error:
        raise _refusal(error) from error


def _refusal(error: OSError) -> Unavailable:
    if error.errno in FULL:
        return Unavailable(_("The disk of the server is full: files cannot be stored now."))
    return Unavailable(_("The server cannot store files right now."))

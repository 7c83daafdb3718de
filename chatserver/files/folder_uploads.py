"""Uploads that arrive in a folder, which several nodes may share."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

from chatserver.files.file_folder import FileFolder
from chatserver.files.folder_names import LOCK_SUFFIX, PART_SUFFIX, SEALED_SUFFIX
from chatserver.files.pace import Piece
from chatserver.files.part import Checksum, Locked, PartWriter, lock_for_completion, rename_part
from chatserver.files.running_digests import RunningDigests
from chatserver.files.store import Space
from chatserver.storage.archive_writer import fsync_directory

WRITE_BYTES = 2**16  # are worth a thread; fewer wait in memory for more


class FolderUploads:
    """Receives the bytes of files, each in a part until it is complete."""

    is_shared = True

    def __init__(self, folder: FileFolder) -> None:
        self._folder = folder
        self._digests = RunningDigests()

    def path(self, file_id: str, suffix: str = "") -> Path:
        return self._folder.path(file_id, suffix)

    async def create(self, file_id: str) -> None:
        await self._folder.in_thread(self._create, file_id)

    def _create(self, file_id: str) -> None:
        self._folder.marked.use()
        part = self.path(file_id, PART_SUFFIX)
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
        limit: int | None = None,  # noqa: ARG002 - that of a bucket needs it
    ) -> int | None:
        return await self._folder.in_thread(self._size, file_id)

    def _size(self, file_id: str) -> int | None:
        try:
            return self.path(file_id, PART_SUFFIX).stat().st_size
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
        in_thread = self._folder.in_thread
        writer = await in_thread(self._writer, file_id, offset, limit, checksum)
        waiting = bytearray()
        try:
            async for piece in pieces:
                if len(piece) < WRITE_BYTES:
                    waiting += piece
                if len(waiting) >= WRITE_BYTES or (waiting and len(piece) >= WRITE_BYTES):
                    full, waiting = waiting, bytearray()
                    await in_thread(writer.write, full)
                if len(piece) >= WRITE_BYTES:
                    await in_thread(writer.write, piece)
        finally:
            await in_thread(writer.close, waiting)
        return await in_thread(writer.verified)

    def _writer(
        self, file_id: str, offset: int, limit: int, checksum: Checksum | None
    ) -> PartWriter:
        part = self.path(file_id, PART_SUFFIX)
        try:
            return PartWriter(part, offset, limit, checksum, self._digests)
        except FileNotFoundError:
            if self.path(file_id, SEALED_SUFFIX).exists():
                raise Locked from None
            raise

    @asynccontextmanager
    async def lock_completion(self, file_id: str) -> AsyncIterator[None]:
        path = self.path(file_id, LOCK_SUFFIX)
        lock = await self._folder.in_thread(lock_for_completion, path)
        try:
            yield
        finally:
            try:
                await self._folder.in_thread(
                    partial(path.unlink, missing_ok=True)  # while it is locked
                )
            finally:
                os.close(lock)

    async def seal(self, file_id: str, size: int) -> str:
        return await self._folder.in_thread(self._seal, file_id, size)

    def _seal(self, file_id: str, size: int) -> str:
        with suppress(FileNotFoundError):
            rename_part(self.path(file_id, PART_SUFFIX), self.path(file_id, SEALED_SUFFIX), size)
        return self._sealed(file_id)

    def _sealed(self, file_id: str) -> str:
        """Return the suffix of a sealed file, "" of a complete one. Raises FileNotFoundError."""
        if self.path(file_id, SEALED_SUFFIX).exists():
            return SEALED_SUFFIX
        self.path(file_id).stat()
        return ""

    async def head(self, file_id: str, suffix: str, count: int) -> bytes:
        def read() -> bytes:
            with self.path(file_id, suffix).open("rb") as file:
                return file.read(count)

        return await self._folder.in_thread(read)

    async def digest(
        self, file_id: str, suffix: str, *, unchanged: bool = False
    ) -> tuple[str, int]:
        path = self.path(file_id, suffix)
        find = partial(self._digests.of, file_id, path, unchanged=unchanged)
        return await self._folder.in_thread(find)

    async def commit(self, file_id: str) -> None:
        await self._folder.in_thread(self._commit, file_id)

    def _commit(self, file_id: str) -> None:
        source, file = self.path(file_id, self._sealed(file_id)), self.path(file_id)
        with source.open("rb") as written:
            os.fsync(written.fileno())
        source.rename(file)
        fsync_directory(file.parent)

    async def space(self) -> Space:
        def measure() -> Space:
            root = self._folder.root
            usage = shutil.disk_usage(root if root.exists() else root.parent)
            return Space(usage.free, usage.total)

        return await self._folder.in_thread(measure)

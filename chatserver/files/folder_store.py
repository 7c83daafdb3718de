"""Files in a folder, which several nodes may share."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from chatserver.files.file_folder import FileFolder
from chatserver.files.folder_names import (
    COMPLETE_SUFFIXES,
    ID_LENGTH,
    LOCK_SUFFIX,
    PART_SUFFIX,
    SUFFIXES,
    UNREGISTERED_SUFFIX,
)
from chatserver.files.folder_uploads import FolderUploads
from chatserver.files.part import remove_unused_lock
from chatserver.files.running_digests import file_digest
from chatserver.files.store import check_size
from chatserver.permissions import give_to_owner
from chatserver.storage.archive_writer import fsync_directory, private


class FolderStore:
    """Files in a folder. `uploads` receives them in the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = FileFolder(folder)
        self.uploads = FolderUploads(self._folder)

    @property
    def failure(self) -> str:
        return self._folder.marked.health.reason

    async def prepare(self, known: Sequence[str]) -> None:
        if known and not any([await self.exists(file_id) for file_id in known]):
            self._folder.marked.forbid_marking()
        elif known:
            await self._folder.in_thread(self._folder.marked.use)

    async def close(self) -> None:
        """Do nothing."""

    async def watch(self) -> None:
        await self._folder.watch()

    # Complete files -------------------------------------------------------------------------------

    async def require(self, file_id: str, suffix: str = "", *, size: int | None = None) -> Path:
        path = self._folder.path(file_id, suffix)
        check_size(file_id, await self._folder.readable_size(path), size)
        return path

    @asynccontextmanager
    async def local_path(self, file_id: str, limit: int) -> AsyncIterator[Path]:  # noqa: ARG002
        yield await self.require(file_id)

    async def export(self, file_id: str) -> AsyncIterator[Path]:
        if self._folder.path(file_id).exists():
            for path in [self._folder.path(file_id, suffix) for suffix in COMPLETE_SUFFIXES]:
                if path.exists():
                    yield path

    async def digest(self, file_id: str) -> tuple[str, int]:
        return await self._folder.in_thread(file_digest, self._folder.path(file_id))

    async def add(self, file_id: str, suffix: str, pieces: Iterator[bytes]) -> bool:
        return await self._folder.in_thread(self._add, file_id, suffix, pieces)

    def _add(self, file_id: str, suffix: str, pieces: Iterator[bytes]) -> bool:
        self._folder.marked.use()
        target = self._folder.path(file_id, suffix)
        part = self._folder.path(file_id, PART_SUFFIX)
        for folder in (target.parent.parent, target.parent):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                give_to_owner(folder)
                fsync_directory(folder.parent)
        part.unlink(missing_ok=True)
        try:
            with open(part, "xb", opener=private) as opened:
                opened.writelines(pieces)
                opened.flush()
                os.fsync(opened.fileno())
            give_to_owner(part)
            is_new = not target.exists()
            part.rename(target)
        except BaseException:
            part.unlink(missing_ok=True)
            _remove_if_empty(target.parent)
            raise
        fsync_directory(target.parent)
        return is_new

    async def remove(self, file_id: str, suffix: str) -> None:
        await self._folder.in_thread(self._remove, self._folder.path(file_id, suffix))

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        _remove_if_empty(path.parent)

    async def delete(self, file_id: str) -> None:
        await self._folder.in_thread(self._delete, file_id)

    def _delete(self, file_id: str) -> None:
        self._folder.marked.use()
        for suffix in SUFFIXES:
            self._folder.path(file_id, suffix).unlink(missing_ok=True)
        folder = self._folder.path(file_id).parent
        fsync_directory(folder)
        _remove_if_empty(folder)

    # Maintenance ----------------------------------------------------------------------------------

    async def exists(self, file_id: str) -> bool:
        return await self._folder.in_thread(self._exists, file_id)

    def _exists(self, file_id: str) -> bool:
        return any(self._folder.path(file_id, suffix).exists() for suffix in SUFFIXES)

    async def ids(self) -> AsyncIterator[list[str]]:
        async for names in self._folder.names():
            if found := sorted({name[:ID_LENGTH] for name in names if len(name) >= ID_LENGTH}):
                yield found

    async def complete_ids(self) -> AsyncIterator[list[str]]:
        async for names in self._folder.names():
            yield [name for name in names if len(name) == ID_LENGTH]

    async def note_unregistered(self, file_id: str) -> int | None:
        return await self._folder.in_thread(self._note_unregistered, file_id)

    def _note_unregistered(self, file_id: str) -> int | None:
        if not self._folder.path(file_id).exists():
            return None
        with self._folder.path(file_id, UNREGISTERED_SUFFIX).open("ab") as notes:
            notes.write(b".")
            return notes.tell()

    async def tidy(self, uploading: Callable[[list[str]], Awaitable[set[str]]]) -> None:
        """Delete locks of completions that were killed: what else arrived is the file by then.

        The lock of an upload that may be continued stays, so that no completion is refused.
        """
        async for names in self._folder.names():
            locks = [name for name in names if name[ID_LENGTH:] == LOCK_SUFFIX]
            ids = [name[:ID_LENGTH] for name in locks]
            for file_id in sorted({*ids} - await uploading(ids)) if ids else ():
                path = self._folder.path(file_id, LOCK_SUFFIX)
                await self._folder.in_thread(remove_unused_lock, path)


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder of files and the one above it, unless there are other files."""
    with suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()

"""Files in archives: which of them are copied, and how a restore adds them.

A restore only adds files, and replaces altered ones: ids are never used twice, and the replaced
database needs the files that it has. `cleanup` removes those that no database knows, later.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from chatserver.files.store import FileStore
from chatserver.storage.archive_file import ArchivedFile
from chatserver.storage.archive_writer import ArchiveReceiver


async def add_stored_files(receiver: ArchiveReceiver, store: FileStore, ids: Iterable[str]) -> None:
    """Write files and their thumbnails to an archive, without those that are deleted now."""
    for file_id in ids:
        async for path in store.copies(file_id):
            receiver.add_file(path)


@asynccontextmanager
async def adding(files: Iterable[ArchivedFile], store: FileStore) -> AsyncIterator[None]:
    """Add the files of an archive to the store; remove new ones if the block fails."""
    added = list[tuple[str, str]]()
    try:
        for file in files:
            file_id, dot, size = file.name.partition(".")
            if await store.add(file_id, dot + size, file.pieces):
                added.append((file_id, dot + size))
        yield
    except BaseException:
        for file_id, suffix in added:
            await store.remove(file_id, suffix)
        raise

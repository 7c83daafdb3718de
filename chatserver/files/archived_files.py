"""Files in archives: which of them are copied, and how a restore adds them.

A restore only adds files, and replaces altered ones: ids are never used twice, and the replaced
database needs the files that it has. `cleanup` removes those that no database knows, later.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from chatserver.errors import ChatServerError, FilesUnavailable, Unavailable
from chatserver.file_state import COMPLETE_STATES
from chatserver.files.store import FileStore
from chatserver.storage.archive_file import ArchivedFile
from chatserver.storage.archive_writer import ArchiveReceiver
from chatserver.storage.files import FileRegister


class Copied(NamedTuple):
    """Number of files in an archive; ids of those that were not there or are not as uploaded."""

    files: int
    missing: list[str]
    altered: list[str]


async def add_stored_files(receiver: ArchiveReceiver, store: FileStore) -> Copied:
    """Write the files of the received rows, and their thumbnails, to the archive."""
    missing, altered = list[str](), list[str]()
    for file_id in receiver.files:
        copies = [receiver.add_file(path) async for path in store.export(file_id)]
        if not copies:
            missing.append(file_id)
        elif not all(copies):
            altered.append(file_id)
    return Copied(len(receiver.files) - len(missing), missing, altered)


async def still_registered(ids: Iterable[str], register: FileRegister) -> list[str]:
    """Return those of these files that were not deleted in the meantime."""
    found = [await register.find(file_id) for file_id in ids]
    return [file.id for file in found if file is not None and file.state in COMPLETE_STATES]


@asynccontextmanager
async def adding(files: Iterable[ArchivedFile], store: FileStore) -> AsyncIterator[None]:
    """Add the files of an archive to the store; remove new ones if the block fails."""
    added = list[tuple[str, str]]()
    try:
        for file in files:
            file_id, dot, size = file.name.partition(".")
            if await _add(store, file_id, dot + size, file):
                added.append((file_id, dot + size))
        yield
    except BaseException:
        for file_id, suffix in added:
            await store.remove(file_id, suffix)
        raise


async def _add(store: FileStore, file_id: str, suffix: str, file: ArchivedFile) -> bool:
    """Store a file; return whether it is new. Raises ChatServerError that names it."""
    try:
        return await store.add(file_id, suffix, file.pieces)
    except FilesUnavailable:
        raise
    except Unavailable as error:
        reason = getattr(error.__cause__, "strerror", None) or str(error).rstrip(".")
        raise ChatServerError(
            f"The file {file.name} of the archive cannot be stored: {reason}."
        ) from error

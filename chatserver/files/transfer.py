"""Copying of all files from one store to another, such as from a folder to a bucket and back.

It can be interrupted and repeated: what is there with the right checksum is not copied again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chatserver.errors import NotFound
from chatserver.file_state import COMPLETE_STATES
from chatserver.files.folder_names import ID_LENGTH
from chatserver.files.store import FileStore
from chatserver.storage.files import FileRegister, StoredFile

BATCH_SIZE = 200  # rows read at a time
READ_BYTES = 2**20  # of a file, at a time


@dataclass(slots=True)
class Transferred:
    """What was done. `faults`: a sentence for each file that could not be copied."""

    copied: int = 0
    present: int = 0
    faults: list[str] = field(default_factory=list)


async def transfer(
    register: FileRegister,
    source: FileStore,
    target: FileStore,
    *,
    progress: Callable[[int], object],
) -> Transferred:
    """Copy all complete files with their thumbnails; `progress` gets numbers of files."""
    done, after = Transferred(), ""
    while page := await register.stored_after(after, BATCH_SIZE):
        for file in page:
            await _transfer_one(register, file, source, target, done)
            progress(1)
        after = page[-1].id
    return done


async def _transfer_one(
    register: FileRegister,
    file: StoredFile,
    source: FileStore,
    target: FileStore,
    done: Transferred,
) -> None:
    if await _has(target, file):
        done.present += 1
        return
    missing = True
    async for path in source.export(file.id):
        await target.add(file.id, path.name[ID_LENGTH:], _pieces(path))
        missing = False
    if await _has(target, file):
        done.copied += 1
        return
    await target.remove(file.id, "")
    found = await register.find(file.id)
    if found is not None and found.state in COMPLETE_STATES:  # it was not deleted now
        why = "its bytes are missing" if missing else "its bytes are not those that were uploaded"
        done.faults.append(f"File {file.id}: {why}.")


async def _has(store: FileStore, file: StoredFile) -> bool:
    """Return whether a file is there with its checksum. Its thumbnails were stored before it."""
    try:
        return await store.digest(file.id) == (file.sha256, file.bytes)
    except NotFound:
        return False


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece

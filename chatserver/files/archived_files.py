"""Files in archives: which of them are copied, and how a restore adds them.

A restore only adds files, and replaces altered ones: ids are never used twice, and the replaced
database needs the files that it has. `cleanup` removes those that no database knows, later.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chatserver.data_dir import DataDir
from chatserver.files.folder_store import FolderStore
from chatserver.files.store import PART, THUMBS
from chatserver.permissions import give_to_owner
from chatserver.storage.archive_file import ArchivedFile
from chatserver.storage.archive_writer import fsync_directory, private

SUFFIXES = ("", *(f".{size}" for size in THUMBS))  # of what an archive has of a file


def stored_paths(folder: Path, ids: Iterable[str]) -> Iterator[Path]:
    """Yield the paths of files and thumbnails that exist; others were deleted in the meantime."""
    store = FolderStore(folder)
    for file_id in ids:
        places = [store.path(file_id, suffix) for suffix in SUFFIXES]
        if places[0].exists():
            yield from (place for place in places if place.exists())


@contextmanager
def adding(files: Iterable[ArchivedFile], folder: DataDir) -> Iterator[None]:
    """Write the files of an archive to the data folder; remove new ones if the block fails."""
    store, added = FolderStore(folder.files_folder), list[Path]()
    try:
        for file in files:
            _add(file, store, folder.files_folder, added)
        yield
    except BaseException:
        for path in added:
            path.unlink(missing_ok=True)
        raise


def _add(file: ArchivedFile, store: FolderStore, root: Path, added: list[Path]) -> None:
    file_id, dot, size = file.name.partition(".")
    target, part = store.path(file_id, dot + size), store.path(file_id, PART)
    for folder in (root, target.parent.parent, target.parent):
        if not folder.exists():
            folder.mkdir(mode=0o700)
            give_to_owner(folder)
            fsync_directory(folder.parent)
    part.unlink(missing_ok=True)
    with open(part, "xb", opener=private) as opened:
        opened.writelines(file.pieces)
        opened.flush()
        os.fsync(opened.fileno())
    give_to_owner(part)
    if not target.exists():
        added.append(target)
    part.rename(target)
    fsync_directory(target.parent)

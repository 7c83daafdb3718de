"""Files in archives: which of them are copied, and how a restore puts them in their place.

A restore writes them beside the present ones, and exchanges the folders when the database is
loaded. The replaced folder stays in `backups` until the next restore, like a SQLite database.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chatserver.data_dir import DataDir
from chatserver.errors import ChatServerError
from chatserver.files.store import THUMBS, FolderStore
from chatserver.permissions import give_to_owner, is_foreign_link
from chatserver.storage.archive_file import ArchivedFile
from chatserver.storage.archive_writer import fsync_directory, private

SUFFIXES = ("", *(f".{size}" for size in THUMBS))  # of what an archive has of a file
NEW = "files.new"  # folder of a restore that is not complete
REPLACED = "replaced-files"


def stored_paths(folder: Path, ids: Iterable[str]) -> Iterator[Path]:
    """Yield the paths of files and thumbnails that exist; others were deleted in the meantime."""
    store = FolderStore(folder)
    for file_id in ids:
        paths = [store.path(file_id, suffix) for suffix in SUFFIXES]
        if paths[0].exists():
            yield from (path for path in paths if path.exists())


@contextmanager
def replacing(files: Iterable[ArchivedFile], folder: DataDir) -> Iterator[None]:
    """Replace the files of a data folder by those of an archive, if it has any.

    They are written before the block, and put in their place after it, unless it fails.
    """
    try:
        found = stage(files, folder.path)
        yield
        if found:
            exchange(folder.path, folder.files_folder, folder.backups)
    finally:
        discard(folder.path)


def stage(files: Iterable[ArchivedFile], data: Path) -> bool:
    """Write the files of an archive to a new folder; return whether there are any."""
    discard(data)
    store, found = FolderStore(data / NEW), False
    for file in files:
        found = True
        file_id, dot, size = file.name.partition(".")
        target = store.path(file_id, dot + size)
        for folder in (data / NEW, target.parent.parent, target.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
            give_to_owner(folder)
        with open(target, "xb", opener=private) as opened:
            opened.writelines(file.pieces)
            opened.flush()
            os.fsync(opened.fileno())
        give_to_owner(target)
        fsync_directory(target.parent)
    return found


def discard(data: Path) -> None:
    """Remove what an aborted restore left."""
    if (data / NEW).exists():
        shutil.rmtree(data / NEW)


def exchange(data: Path, files: Path, backups: Path) -> None:
    """Put the new folder in the place of the present one, which is kept in `backups`."""
    if is_foreign_link(backups):
        raise ChatServerError(f"{backups} is a symbolic link of another account.")
    kept = backups / REPLACED
    if files.exists():
        backups.mkdir(mode=0o700, exist_ok=True)
        if kept.exists():
            shutil.rmtree(kept)
        files.rename(kept)
    (data / NEW).rename(files)
    fsync_directory(data)

"""Names of stored files and of what is beside them, in a folder; keys in a bucket are alike.

Functions on the folder allow for other requests that change it at the same time.
"""

import os
from contextlib import suppress
from pathlib import Path

from chatserver.files.store import THUMBS

ID_LENGTH = 22
PART_SUFFIX = ".part"  # of a file that is arriving
SEALED_SUFFIX = ".sealed"  # of a file that has arrived, and is being processed
CLEAN_SUFFIX = ".clean"  # of a copy without metadata, which replaces the file
LOCK_SUFFIX = ".lock"  # of an empty file, locked while a node completes the file
UNREGISTERED_SUFFIX = ".unregistered"  # of a file with a byte for each sweep that found no row
COMPLETE_SUFFIXES = (*(f".{size}" for size in THUMBS), "")  # of a complete file, itself the last
SUFFIXES = (
    *(PART_SUFFIX, SEALED_SUFFIX, CLEAN_SUFFIX, LOCK_SUFFIX, UNREGISTERED_SUFFIX),
    *COMPLETE_SUFFIXES,
)


def subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("??/??") if path.is_dir())


def listed(folders: list[Path]) -> list[str]:
    names = list[str]()
    for folder in folders:
        with suppress(FileNotFoundError):  # its last file was deleted just now
            names += [path.name for path in folder.iterdir()]
    return names


def readable_size(path: Path) -> int:
    """Return the size of a file. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size

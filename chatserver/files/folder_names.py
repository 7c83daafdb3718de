"""Names and sizes in the folder of files, which other requests change at the same time."""

import os
from contextlib import suppress
from pathlib import Path


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

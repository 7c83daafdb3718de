"""Temporary copies of stored files, for what needs a path.

A sweep removes those that killed processes have left.
"""

import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from chatserver.permissions import give_to_owner
from chatserver.threads import Threads

PREFIX = "copy-"  # of the name of a folder with a copy
MAX_AGE = 86_400.0  # seconds after which no process uses a copy any more


class Copies:
    """Writes copies into a folder, and removes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = Threads(1, "copies")

    @asynccontextmanager
    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[Path]:
        """Write the pieces to a file of this name, which exists within the block."""
        with self._new_folder() as folder, (folder / name).open("xb") as file:
            async for piece in pieces:
                await self._threads.run(file.write, piece)
            await self._threads.run(file.flush)
            yield folder / name

    @asynccontextmanager
    async def write_blocking(self, name: str, pieces: Iterator[bytes]) -> AsyncIterator[Path]:
        """Do the same with pieces that are read in a thread."""
        with self._new_folder() as folder, (folder / name).open("xb") as file:
            await self._threads.run(_write_all, file, pieces)
            yield folder / name

    @contextmanager
    def _new_folder(self) -> Iterator[Path]:
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            give_to_owner(self._folder)
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=self._folder) as folder:
            yield Path(folder)

    async def remove_old(self) -> None:
        """Remove what a killed process has left."""
        await self._threads.run(self._remove_old)

    def _remove_old(self) -> None:
        for folder in self._folder.glob(f"{PREFIX}*"):
            if time.time() - folder.stat().st_mtime > MAX_AGE:
                shutil.rmtree(folder, ignore_errors=True)


def _write_all(file: IO[bytes], pieces: Iterable[bytes]) -> None:
    file.writelines(pieces)
    file.flush()

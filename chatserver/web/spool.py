"""File buffer between a source that should end soon and a slow reader.

A copy of the database is a snapshot: while it is open, SQLite's WAL grows and InnoDB keeps every
old version. So the source is read at full speed, and what the reader has not read yet is kept in an
unnamed file.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from chatserver.threads import Threads, settled

CHUNK_SIZE = 262_144  # bytes read from the file at once
MAX_SHARE = 0.5  # of the free disk space
MIN_FREE = 16_000_000  # bytes of free disk space; with less, no file is used
_threads = Threads(4, "spool")
READER_TIMEOUT = 60.0  # seconds that the source waits for space in a full file


async def spooled(pieces: AsyncGenerator[bytes], folder: Path) -> AsyncGenerator[bytes]:
    """Yield the same bytes. Raises what `pieces` raises, and TimeoutError for a slow reader.

    Close it with `aclosing`. The file is created in `folder`, or among the temporary files, which
    may be in memory, if that disk is full. Without space in either, the source waits.
    """
    candidates = [
        (directory, _free(directory)) for directory in (folder, Path(tempfile.gettempdir()))
    ]
    roomy = ((directory, free) for directory, free in candidates if free >= MIN_FREE)
    directory, free = next(roomy, (folder, 0))
    kept = _through_file(pieces, directory, int(free * MAX_SHARE)) if free else pieces
    async with aclosing(kept) as taken:
        async for piece in taken:
            yield piece


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


async def _through_file(
    pieces: AsyncGenerator[bytes], folder: Path, room: int
) -> AsyncGenerator[bytes]:
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        spool = _Spool(file.fileno(), room)
        filling = asyncio.create_task(spool.fill(pieces))
        try:
            async with aclosing(spool.drain()) as drained:
                async for piece in drained:
                    yield piece
            await filling
        finally:
            filling.cancel()
            await settled(filling)  # its error was raised above, or is irrelevant


class _Spool:
    """The bytes `read` to `written` of the file have not been read yet."""

    def __init__(self, file: int, room: int) -> None:
        self._file = file
        self._room = room
        self._read = self._written = 0
        self._writing = self._ended = False
        self._filled, self._emptied = asyncio.Event(), asyncio.Event()

    async def fill(self, pieces: AsyncGenerator[bytes]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    await self._write(piece)
        finally:
            self._ended = True
            self._filled.set()

    async def _write(self, piece: bytes) -> None:
        if self._written and self._written + len(piece) > self._room:
            async with asyncio.timeout(READER_TIMEOUT):
                await self._emptied.wait()
        self._writing = True
        self._emptied.clear()
        try:
            await _threads.run(_write_all, self._file, piece, self._written)
            self._written += len(piece)
        finally:
            self._writing = False
        self._filled.set()

    async def drain(self) -> AsyncGenerator[bytes]:
        while True:
            self._filled.clear()
            while self._read < self._written:
                piece = await _threads.run(os.pread, self._file, CHUNK_SIZE, self._read)
                self._read += len(piece)
                yield piece
            if self._ended and self._read == self._written:
                return
            self._start_over()
            await self._filled.wait()

    def _start_over(self) -> None:
        """Free the space once everything was read."""
        if not self._writing and self._read == self._written:
            self._read = self._written = 0
            os.ftruncate(self._file, 0)
            self._emptied.set()


def _write_all(file: int, piece: bytes, offset: int) -> None:
    view = memoryview(piece)
    while view:
        done = os.pwrite(file, view, offset)
        view, offset = view[done:], offset + done

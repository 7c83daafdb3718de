"""Storage of the bytes of files, by id, with the thumbnails beside them.

`UploadArea` is where they arrive, `FileStore` what is complete.
"""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chatserver.errors import Unavailable, _
from chatserver.files.pace import Piece
from chatserver.files.part import Checksum

THUMBS = (480, 1_600)  # pixels of the longer side of thumbnails

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a disk."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on another machine. `read(start, end)` yields its bytes from start to end."""

    size: int
    read: Callable[[int, int], AsyncGenerator[bytes]]


def check_size(file_id: str, found: int, expected: int | None) -> None:
    """Raise Unavailable, and log it, if a file was altered: its ETag names other bytes."""
    if expected is not None and found != expected:
        logger.error("file %s has %d bytes instead of %d", file_id, found, expected)
        raise Unavailable(_("The server cannot read files right now."))


class UploadArea(Protocol):
    """Receives the bytes of files. Raises NotFound for an unknown id, Unavailable for a bad disk.

    Bytes are appended to a part. When all have arrived it is sealed, so that no request can append
    to it, and flushed to disk before it becomes the file.
    """

    @property
    def is_shared(self) -> bool:
        """Whether all nodes use the same area, so that `lock_completion` holds for all."""

    async def create(self, file_id: str) -> None:
        """Begin a file, which is empty."""

    async def size(self, file_id: str, *, limit: int | None = None) -> int | None:
        """Return the number of bytes that have arrived; None if the file is sealed.

        `limit`: the announced size in bytes, if it is known. A store whose nodes share no folder
        returns 0 for an unknown file.
        """

    async def append(
        self,
        file_id: str,
        offset: int,
        pieces: AsyncIterator[Piece],
        *,
        limit: int,
        checksum: Checksum | None = None,
    ) -> int:
        """Add bytes at the end of a part; return its size. What arrives before a failure stays.

        A piece may be overwritten when the next one is requested.

        Raises Locked while another request appends, or if the file is sealed.
        """

    def lock_completion(self, file_id: str) -> AbstractAsyncContextManager[None]:
        """Reserve the completion of a file, over all nodes that share a folder. Raises Locked."""

    async def seal(self, file_id: str, size: int) -> str:
        """Let no more bytes arrive; return the suffix of what has arrived.

        Can be repeated. Raises Locked while a request appends, WrongOffset for another size.
        """

    async def head(self, file_id: str, suffix: str, count: int) -> bytes:
        """Return the first bytes of what has arrived."""

    async def digest(
        self, file_id: str, suffix: str, *, unchanged: bool = False
    ) -> tuple[str, int]:
        """Return the SHA-256 and the size of what has arrived.

        `unchanged`: the file has the bytes that arrived, so it need not be read if their digest is
        known.
        """

    async def commit(self, file_id: str) -> None:
        """Make what was sealed the file; it is on disk when this returns. Can be repeated."""

    def path(self, file_id: str, suffix: str = "") -> Path:
        """Return the path of an upload, and its thumbnails, until it is complete."""

    async def space(self) -> Space:
        """Return the free and the total space of the disk where uploads arrive."""


class FileStore(Protocol):
    """Complete files. Methods raise NotFound for an unknown id, Unavailable for a broken disk."""

    @property
    def uploads(self) -> UploadArea:
        """Where the files arrive."""

    @property
    def failure(self) -> str:
        """Why files cannot be stored at the moment, "" if they can."""

    async def prepare(self, known: Sequence[str]) -> None:
        """Find out whether this is the store of this chat, which has these complete files."""

    async def watch(self) -> None:
        """Check the store until cancelled, so that `failure` is known."""

    async def close(self) -> None:
        """Release connections."""

    # Complete files -------------------------------------------------------------------------------

    async def require(
        self, file_id: str, suffix: str = "", *, size: int | None = None
    ) -> Path | RemoteFile:
        """Return a file or thumbnail that can be read, by its path if it has one.

        Raises Unavailable if the disk hangs, or the file has not `size` bytes.
        """

    def local_path(self, file_id: str, limit: int) -> AbstractAsyncContextManager[Path]:
        """Yield a path of a file, or of a copy of its first `limit` bytes, for the block.

        Raises NotFound without the file.
        """

    def export(self, file_id: str) -> AsyncIterator[Path]:
        """Yield paths of a file and its thumbnails, each of which exists until the next.

        Their names are those of archives. Yields none without the file.
        """

    async def digest(self, file_id: str) -> tuple[str, int]:
        """Return the SHA-256 and the size of a file, which is read."""

    async def add(self, file_id: str, suffix: str, pieces: Iterator[bytes]) -> bool:
        """Store a file or thumbnail, or replace it; return whether it is new."""

    async def remove(self, file_id: str, suffix: str) -> None:
        """Delete a file or thumbnail that was added."""

    async def delete(self, file_id: str) -> None:
        """Delete everything of a file or an upload; it is off the disk when this returns."""

    # Maintenance ----------------------------------------------------------------------------------

    async def exists(self, file_id: str) -> bool:
        """Return whether anything of a file is stored."""

    def ids(self) -> AsyncIterator[list[str]]:
        """Yield the ids of everything that is stored, also of uploads, in batches."""

    def complete_ids(self) -> AsyncIterator[list[str]]:
        """Yield the ids of complete files, in batches."""

    async def note_unregistered(self, file_id: str) -> int | None:
        """Count how often no row of a file was found; return the count. None without a file."""

    async def tidy(self, uploading: Callable[[list[str]], Awaitable[set[str]]]) -> None:
        """Delete leftovers of uploads that have ended.

        `uploading` returns which of some files still are.
        """

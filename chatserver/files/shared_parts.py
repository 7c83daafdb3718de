"""Copies in the bucket of what has arrived of uploads, so that any node can continue them.

Each copy has the key of its file, and the range of its bytes. Ranges of several nodes may overlap.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from chatserver.files.bucket import REQUEST_BYTES, Bucket
from chatserver.files.part import WrongOffset

PARTS_FOLDER = ".part/"  # after the key of the file
_NAME = re.compile(r"(\d{16})-(\d{16})")


class Range(NamedTuple):
    """Bytes of an upload that one object has."""

    start: int
    end: int


class SharedParts:
    """Writes, reads and deletes the copies."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def end(self, key: str) -> int:
        """Return how many bytes of the file with this key are there, without a gap."""
        found = contiguous(await self._ranges(key), 0)
        return found[-1].end if found else 0

    async def extend(self, key: str, path: Path, shared: int, size: int) -> None:
        """Copy the bytes of a part from `shared` to `size`."""
        while shared < size:
            end = min(shared + REQUEST_BYTES, size)
            await self._bucket.put_range(_key(key, Range(shared, end)), path, shared, end - shared)
            shared = end

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` to `end`. Raises WrongOffset if they are not all there."""
        found = contiguous(await self._ranges(key), start)
        if not found or found[-1].end < end:
            raise WrongOffset
        for copied in found:
            first, last = start - copied.start, min(copied.end, end) - copied.start
            async for piece in self._bucket.read(_key(key, copied), first, last):
                yield piece
            start = copied.end

    async def drop(self, key: str, *, beyond: int = 0) -> None:
        """Delete the copies, or those that have bytes beyond a position."""
        for copied in await self._ranges(key):
            if copied.end > beyond:
                await self._bucket.delete(_key(key, copied))

    async def _ranges(self, key: str) -> list[Range]:
        prefix = key + PARTS_FOLDER
        stored = [one.key async for some in self._bucket.list(prefix) for one in some]
        names = [_NAME.fullmatch(name.removeprefix(prefix)) for name in stored]
        return [Range(int(name[1]), int(name[2])) for name in names if name is not None]


def contiguous(ranges: list[Range], start: int) -> list[Range]:
    """Return ranges that have all bytes from `start` on, as far as there is no gap."""
    found, position = [], start
    for copied in sorted(ranges):
        if copied.start > position:
            break
        if copied.end > position:
            found.append(copied)
            position = copied.end
    return found


def _key(key: str, copied: Range) -> str:
    return f"{key}{PARTS_FOLDER}{copied.start:016}-{copied.end:016}"

"""Copies in the bucket of what has arrived of uploads, so that any node can continue them.

Each copy has the key of its file, and the range of its bytes. Ranges of several nodes may overlap.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from chatserver.files.bucket import PART, Bucket
from chatserver.files.part import WrongOffset

FOLDER = ".part/"  # after the key of the file
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
        found = run(await self._ranges(key), 0)
        return found[-1].end if found else 0

    async def share(self, key: str, path: Path, size: int) -> int:
        """Copy a part of this size as far as it is not there; return how much is there then."""
        shared = await self.end(key)
        while shared < size:
            end = min(shared + PART, size)
            await self._bucket.put_range(_key(key, Range(shared, end)), path, shared, end - shared)
            shared = end
        return shared

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` to `end`. Raises WrongOffset if they are not all there."""
        found = run(await self._ranges(key), start)
        if not found or found[-1].end < end:
            raise WrongOffset
        for part in found:
            first, last = start - part.start, min(part.end, end) - part.start
            async for piece in self._bucket.read(_key(key, part), first, last):
                yield piece
            start = part.end

    async def drop(self, key: str, *, beyond: int = 0) -> None:
        """Delete the copies, or those that have bytes beyond a position."""
        for part in await self._ranges(key):
            if part.end > beyond:
                await self._bucket.delete(_key(key, part))

    async def _ranges(self, key: str) -> list[Range]:
        prefix = key + FOLDER
        stored = [one.key async for some in self._bucket.list(prefix) for one in some]
        names = [_NAME.fullmatch(name.removeprefix(prefix)) for name in stored]
        return [Range(int(name[1]), int(name[2])) for name in names if name is not None]


def run(ranges: list[Range], start: int) -> list[Range]:
    """Return ranges that have all bytes from `start` on, as far as there is no gap."""
    found, position = [], start
    for part in sorted(ranges):
        if part.start > position:
            break
        if part.end > position:
            found.append(part)
            position = part.end
    return found


def _key(key: str, part: Range) -> str:
    return f"{key}{FOLDER}{part.start:016}-{part.end:016}"

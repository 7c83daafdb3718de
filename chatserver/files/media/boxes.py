"""Boxes of ISO media files (ISO 14496-12, 4.2)."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from chatserver.files.media import Malformed

MAX_BOXES = 100_000


class Box(NamedTuple):
    """Offsets of a box in its file."""

    kind: bytes
    name: int  # where its four letters are
    content: int
    end: int


class Boxes:
    """Reads the boxes of a file, MAX_BOXES at most."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = MAX_BOXES
        self.file = Box(b"file", 0, 0, size)  # holds all others

    def of(self, parent: Box, *, skip: int = 0) -> Iterator[Box]:
        """Yield the boxes after `skip` bytes of another. Raises Malformed."""
        position = parent.content + skip
        while position + 8 <= parent.end:
            self._left -= 1
            if not self._left:
                raise Malformed("there are too many boxes")
            head = self.read(position, 16)
            size, kind, content = int.from_bytes(head[:4]), head[4:8], position + 8
            if size == 1:
                size, content = int.from_bytes(head[8:]), position + 16
            elif size == 0:
                size = parent.end - position
            elif size < 8 and kind == b"\0\0\0\0":
                return  # QuickTime ends some lists with a zero
            if position + size > parent.end or position + size < content:
                raise Malformed("a box is cut off")
            yield Box(kind, position + 4, content, position + size)
            position += size

    def by_kind(self, parent: Box, *, skip: int = 0) -> dict[bytes, Box]:
        """Return the last box of each kind in another. Raises Malformed."""
        return {box.kind: box for box in self.of(parent, skip=skip)}

    def content(self, box: Box) -> bytes:
        return self.read(box.content, box.end - box.content)

    def read(self, position: int, length: int) -> bytes:
        self._file.seek(position)
        return self._file.read(length)

"""MP4 and QuickTime (ISO 14496-12) without metadata, which may have the place of recording.

Boxes with metadata are overwritten in place and become `free`, so that nothing else moves.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from chatserver.files.images import Malformed

METADATA = (b"udta", b"meta", b"uuid", b"Xtra")
CONTAINERS = (b"moov", b"trak", b"moof", b"traf")  # in which metadata is searched
MAX_BOXES = 10_000
PIECE = 2**16  # bytes overwritten at once


class Box(NamedTuple):
    """Offsets of a box in its file."""

    kind: bytes
    name: int  # where its four letters are
    content: int
    end: int


def clean(file: BinaryIO, size: int) -> None:
    """Overwrite the metadata of an open file of that size. Raises Malformed."""
    left = MAX_BOXES
    waiting = [(0, size)]
    while waiting:
        for box in _boxes(file, *waiting.pop()):
            left -= 1
            if not left:
                raise Malformed("there are too many boxes")
            if box.kind in METADATA:
                _blank(file, box)
            elif box.kind in CONTAINERS:
                waiting.append((box.content, box.end))


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    position = start
    while position + 8 <= end:
        file.seek(position)
        head = file.read(16)
        size, kind, content = int.from_bytes(head[:4]), head[4:8], position + 8
        if size == 1:
            size, content = int.from_bytes(head[8:]), position + 16
        elif size == 0:
            size = end - position
        elif size < 8 and kind == b"\0\0\0\0":
            return  # QuickTime ends some lists with a zero
        if position + size > end or position + size < content:
            raise Malformed("a box is cut off")
        yield Box(kind, position + 4, content, position + size)
        position += size


def _blank(file: BinaryIO, box: Box) -> None:
    file.seek(box.name)
    file.write(b"free")
    file.seek(box.content)
    left = box.end - box.content
    while left > 0:
        left -= file.write(bytes(min(PIECE, left)))

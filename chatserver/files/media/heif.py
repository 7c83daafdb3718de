"""Items of HEIC and AVIF files (HEIF, ISO 23008-12) that are no pictures, such as Exif and XMP.

A file has pictures in the box `meta`: `iinf` lists items, `iloc` has their places (ISO 14496-12,
8.11).
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from chatserver.files.media import Malformed
from chatserver.files.media.boxes import Box, Boxes

KEPT = frozenset(b"hdlr pitm iinf iloc iref iprp idat dinf grpl ipro".split())  # in `meta`
PICTURES = frozenset(  # types of items that are kept
    b"hvc1 hev1 hvt1 lhv1 av01 avc1 vvc1 evc1 jpeg j2k1 unci mski grid iden iovl tmap".split()
)
NO_TYPE = b"free"  # of items that were removed
TEXTS = frozenset(b"udes altt uuid crtt mdft free skip".split())  # properties with metadata
MAX_PLACES = 100_000  # of the data of all items that are overwritten
VERSION = 4  # bytes with version and flags, with which the content of many boxes begins
WITHIN_FILE, WITHIN_IDAT = 0, 1  # how the offset of an item is counted


class Items(NamedTuple):
    """What is overwritten in `meta` and in the data of its items."""

    data: list[tuple[int, int]]
    types: list[int]  # where the types of these items are
    boxes: list[Box]
    properties: list[Box]  # their contents only: pictures name them by their places


def has_pictures(boxes: Boxes, meta: Box) -> bool:
    """Whether a box `meta` of a file is the list of pictures."""
    head = boxes.read(meta.content, 24)
    return head[8:12] == b"hdlr" and head[20:24] == b"pict"


def other_items(boxes: Boxes, meta: Box) -> Items:
    """Return what is not a picture. Raises Malformed."""
    found = boxes.by_kind(meta, skip=VERSION)
    unknown = [box for box in boxes.of(meta, skip=VERSION) if box.kind not in KEPT]
    if b"iinf" not in found or b"iloc" not in found:
        raise Malformed("a list of items is missing")
    types = dict(_types(boxes, found[b"iinf"]))
    pictures = {number for number, kind in types.values() if kind in PICTURES}
    pictures -= {number for number, kind in types.values() if kind not in PICTURES}
    data = list(islice(_places(boxes, found, pictures), MAX_PLACES + 1))
    if len(data) > MAX_PLACES:
        raise Malformed("the data of items is in too many places")
    others = [place for place, (_number, kind) in types.items() if kind not in PICTURES]
    return Items(data, others, unknown, _properties(boxes, found.get(b"iprp")))


def _types(boxes: Boxes, iinf: Box) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Yield where the type of each item is, its number, and that type."""
    is_long = boxes.read(iinf.content, 1) != b"\0"
    for box in boxes.of(iinf, skip=VERSION + (4 if is_long else 2)):
        head = boxes.read(box.content, 14)
        version = int.from_bytes(head[:1])
        place = 8 if version == 2 else 10
        is_whole = box.content + place + 4 <= box.end
        if box.kind != b"infe" or version not in (2, 3) or not is_whole:
            raise Malformed("an item has no type")
        yield box.content + place, (int.from_bytes(head[4 : place - 2]), head[place : place + 4])


def _properties(boxes: Boxes, iprp: Box | None) -> list[Box]:
    """Return the properties with metadata, such as a description by the user."""
    found = [] if iprp is None else [box for box in boxes.of(iprp) if box.kind == b"ipco"]
    return [one for box in found for one in boxes.of(box) if one.kind in TEXTS]


class Fields:
    """Reads numbers one after another."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def skip(self, size: int) -> None:
        self._position += size
        if self._position > len(self._content):
            raise Malformed("a table is cut off")

    def number(self, size: int) -> int:
        self.skip(size)
        return int.from_bytes(self._content[self._position - size : self._position])


def _places(boxes: Boxes, found: dict[bytes, Box], pictures: set[int]) -> Iterator[tuple[int, int]]:
    """Yield start and end of the data of all items but pictures."""
    sources = {WITHIN_FILE: boxes.file, WITHIN_IDAT: found.get(b"idat")}
    for method, start, length in _extents(Fields(boxes.content(found[b"iloc"])), pictures):
        source = sources.get(method)
        if source is None or not length or source.content + start + length > source.end:
            raise Malformed("the place of an item is not known")
        yield source.content + start, source.content + start + length


def _extents(table: Fields, pictures: set[int]) -> Iterator[tuple[int, int, int]]:
    """Yield how an offset is counted, that offset, and a length; 0 is all that is there."""
    version = table.number(1)
    table.skip(3)
    sizes = table.number(2)
    offset, length, base, index = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15
    long = 4 if version == 2 else 2
    for _ in range(table.number(long)):
        item = table.number(long)
        method = table.number(2) & 15 if version else WITHIN_FILE
        is_elsewhere = table.number(2) != 0
        start, count = table.number(base), table.number(2)
        if item in pictures:
            table.skip(count * ((index if version else 0) + offset + length))
            continue
        for _ in range(count):
            table.skip(index if version else 0)
            place = start + table.number(offset)
            yield -1 if is_elsewhere else method, place, table.number(length)

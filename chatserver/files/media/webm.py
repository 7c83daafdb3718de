"""WebM (EBML, RFC 8794, and RFC 9559) without metadata, which may have the place of recording.

Elements with metadata, unknown elements, and tracks that are neither pictures nor sound are
overwritten in place and become void elements of the same length, so that nothing else moves. A file
that has none of them is not changed.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from chatserver.files.media import Malformed

FILE = 0  # stands for the parent of the first elements
EBML, SEGMENT = 0x1A45DFA3, 0x18538067
SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES = 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B
TAGS, CHAPTERS, ATTACHMENTS = 0x1254C367, 0x1043A770, 0x1941A469
SEEK, SEEK_ID = 0x4DBB, 0x53AB
ENTRY, NUMBER, KIND = 0xAE, 0xD7, 0x83
SIMPLE_BLOCK, GROUP, BLOCK = 0xA3, 0xA0, 0xA1
VOID, CHECKSUM = 0xEC, 0xBF
CHECKSUM_BYTES = 4
KEPT = {  # children of each container; VOID and CHECKSUM may be in all of them
    FILE: frozenset([EBML, SEGMENT]),
    EBML: frozenset([0x4286, 0x42F7, 0x42F2, 0x42F3, 0x4282, 0x4287, 0x4285]),
    SEGMENT: frozenset([SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES]),
    SEEK_HEAD: frozenset([SEEK]),
    INFO: frozenset([0x2AD7B1, 0x4489, 0x4D80, 0x5741]),  # scale, duration, and two programs
    TRACKS: frozenset([ENTRY]),
    ENTRY: frozenset(
        int(name, 16)
        for name in "D7 83 73C5 B9 88 55AA 9C 6DE7 6DF8 23E383 234E7A 23314F 55EE 41E4 22B59C"
        " 22B59D 86 63A2 AA 56AA 56BB E0 E1 E2 6D80".split()
    ),
    CLUSTER: frozenset([0xE7, 0x5854, 0xA7, 0xAB, SIMPLE_BLOCK, GROUP]),
}
# What ends a container of unknown size, as live recordings have them (RFC 8794, 6.2).
ENDS = {SEGMENT: KEPT[FILE]}
ENDS[CLUSTER] = ENDS[SEGMENT] | KEPT[SEGMENT] | {TAGS, CHAPTERS, ATTACHMENTS}
MEDIA = frozenset([1, 2, 3])  # kinds of tracks that are kept: pictures, sound, both
MAX_ELEMENTS = 500_000
MAX_HEADER = 12  # bytes of an id and a size
CHUNK = 2**16  # bytes read or overwritten at once


class Element(NamedTuple):
    """An element and its offsets in the file. `first`: bytes with which its content begins."""

    id: int
    start: int
    content: int
    end: int
    first: bytes
    is_open: bool  # its size is not known


class Removed(NamedTuple):
    """Adjacent elements of the container whose content begins at `parent`."""

    start: int
    end: int
    parent: int


def clean(file: BinaryIO, size: int) -> None:
    """Overwrite the metadata of an open file of that size. Raises Malformed."""
    Cleaner(file, size).clean()


class Cleaner:
    """Overwrites the metadata of a file, after it has found all of it."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._left = MAX_ELEMENTS
        self._tracks = set[int]()  # numbers of those that are kept
        self._removed: list[Removed] = []
        self._checksums: list[Removed] = []

    def clean(self) -> None:
        """Raises Malformed; nothing is changed then.

        Checksums are removed first, as no longer valid, so that cleaning can be repeated after the
        process was killed. The header of a void is written before its zeros for the same reason.
        """
        self._walk(Element(FILE, 0, 0, self._size, b"", is_open=False))
        for one in [*self._checksums, *self._removed] if self._removed else []:
            self._file.seek(one.start)
            self._write(_void(one.end - one.start), one.end - one.start)

    def _walk(self, parent: Element) -> int:
        """Note what is removed of a container; return where it ends."""
        position = parent.content
        while found := self._read(position, parent.end):
            if parent.is_open and found.id in ENDS[parent.id]:
                return position
            position = self._examine(found, parent)
        return parent.end

    def _examine(self, found: Element, parent: Element) -> int:
        """Note an element if it is removed; return where it ends."""
        if found.id == CHECKSUM and found.end - found.content == CHECKSUM_BYTES:
            self._checksums.append(Removed(found.start, found.end, parent.content))
        elif self._is_removed(found, parent):
            self._note(found, parent)
        elif found.id in KEPT:
            return self._walk(found)
        return found.end

    def _is_removed(self, found: Element, parent: Element) -> bool:
        if found.id == VOID:
            return not self._is_empty(found)
        if found.id not in KEPT[parent.id]:
            return True
        if found.id == SEEK:  # the position of another element
            return self._number(found, SEEK_ID) not in KEPT[SEGMENT]
        if found.id == ENTRY:
            return not self._is_media(found)
        if found.id == CLUSTER and not self._tracks:
            raise Malformed("its tracks are not known")
        if found.id == SIMPLE_BLOCK:
            return _track_of(found) not in self._tracks
        if found.id == GROUP:
            block = next((one for one in self._children(found) if one.id == BLOCK), None)
            return block is None or _track_of(block) not in self._tracks
        return False

    def _is_media(self, entry: Element) -> bool:
        """Return whether a track is kept; note its number then."""
        if is_media := self._number(entry, KIND) in MEDIA:
            self._tracks.add(self._number(entry, NUMBER))
        return is_media

    def _number(self, parent: Element, kind: int) -> int:
        """Return the value of a child; -1 without it."""
        found = next((one for one in self._children(parent) if one.id == kind), None)
        return -1 if found is None else int.from_bytes(found.first)

    def _children(self, parent: Element) -> Iterator[Element]:
        position = parent.content
        while found := self._read(position, parent.end):
            yield found
            position = found.end

    def _note(self, found: Element, parent: Element) -> None:
        if found.is_open:
            raise Malformed("an element has no size")
        start, last = found.start, self._removed[-1] if self._removed else None
        if last and (last.end, last.parent) == (start, parent.content):
            start = self._removed.pop().start
        self._removed.append(Removed(start, found.end, parent.content))

    def _read(self, position: int, end: int) -> Element | None:
        """Return the element there; None at `end`, or where the end of the file cuts it off."""
        if position >= end:
            return None
        self._left -= 1
        if not self._left:
            raise Malformed("there are too many elements")
        self._file.seek(position)
        head = self._file.read(min(MAX_HEADER + 8, end - position))
        name = 9 - head[0].bit_length()
        size = 9 - head[name].bit_length() if name < len(head) else 0
        if name > 4 or size > 8:
            raise Malformed("an element is damaged")
        if not size or name + size > len(head):
            self._cut_off(end)
            return None
        return self._element(position, end, head, name, name + size)

    def _element(self, position: int, end: int, head: bytes, name: int, header: int) -> Element:
        unknown = (1 << 7 * (header - name)) - 1
        length = int.from_bytes(head[name:header]) & unknown
        kind, content = int.from_bytes(head[:name]), position + header
        if length == unknown:
            if kind not in ENDS:
                raise Malformed("an element has no size")
            return Element(kind, position, content, end, b"", is_open=True)
        if content + length > end:
            self._cut_off(end)
        first = head[header : header + length]
        return Element(kind, position, content, min(end, content + length), first, is_open=False)

    def _cut_off(self, end: int) -> None:
        """Raise Malformed unless `end` is that of the file: recordings may end anywhere."""
        if end != self._size:
            raise Malformed("an element is cut off")

    def _is_empty(self, found: Element) -> bool:
        self._file.seek(found.content)
        left = found.end - found.content
        while left > 0:
            content = self._file.read(min(CHUNK, left))
            if content.strip(b"\0"):
                return False
            left -= len(content)
        return True

    def _write(self, header: bytes, length: int) -> None:
        """Write a header, and zeros up to that length of both."""
        left = length - self._file.write(header.ljust(min(CHUNK, length), b"\0"))
        while left > 0:
            left -= self._file.write(bytes(min(CHUNK, left)))


def _void(length: int) -> bytes:
    """Return the header of a void element that is that long with its content; 2 bytes at least."""
    short = length - 2
    if short < 0x7F:
        return bytes([VOID, 0x80 | short])
    return bytes([VOID, 1]) + (length - 9).to_bytes(7)


def _track_of(block: Element) -> int:
    """Return the number of the track of a block; -1 if it has none."""
    size = 9 - block.first[0].bit_length() if block.first else 9
    if size > len(block.first):
        return -1
    return int.from_bytes(block.first[:size]) & (1 << 7 * size) - 1

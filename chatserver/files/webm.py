"""WebM (EBML, RFC 8794 and RFC 9559): which tracks a file has, from its first bytes."""

from collections.abc import Iterator
from typing import NamedTuple

START = b"\x1a\x45\xdf\xa3"  # of every EBML file
DOC_TYPE = b"\x42\x82\x84webm"
SEGMENT, TRACKS, TRACK_ENTRY, TRACK_TYPE = 0x18538067, 0x1654AE6B, 0xAE, 0x83
AUDIO = b"\x02"  # a TRACK_TYPE of track


class Element(NamedTuple):
    """An element and where its content is. `end` is at most the end of the bytes that are known."""

    id: int
    content: int
    end: int
    is_whole: bool


def is_webm(head: bytes) -> bool:
    """Whether a file begins with the header of WebM."""
    return head.startswith(START) and DOC_TYPE in head[:64]


def is_sound(head: bytes) -> bool:
    """Whether all tracks are sound. False unless these first bytes have the whole list of them."""
    segment = _first(SEGMENT, head, 0, len(head))
    tracks = segment and _first(TRACKS, head, segment.content, segment.end)
    if tracks is None or not tracks.is_whole:
        return False
    entries = [
        entry for entry in _elements(head, tracks.content, tracks.end) if entry.id == TRACK_ENTRY
    ]
    return bool(entries) and all(_kind(head, entry) == AUDIO for entry in entries)


def _kind(head: bytes, entry: Element) -> bytes | None:
    found = _first(TRACK_TYPE, head, entry.content, entry.end)
    return None if found is None else head[found.content : found.end]


def _first(wanted: int, head: bytes, start: int, end: int) -> Element | None:
    return next((one for one in _elements(head, start, end) if one.id == wanted), None)


def _elements(head: bytes, start: int, end: int) -> Iterator[Element]:
    """Yield the elements between two offsets, until one is cut off or malformed."""
    position = start
    while position < end:
        name = _length(head, position)
        size = _length(head, position + name)
        content = position + name + size
        if not name or not size or content > end:
            return
        bits = 7 * size
        length = int.from_bytes(head[position + name : content]) & (1 << bits) - 1
        is_unknown = length == (1 << bits) - 1  # of a file that was written while it was recorded
        position = end if is_unknown else content + length
        whole = not is_unknown and position <= end
        name_number = int.from_bytes(head[content - size - name : content - size])
        yield Element(name_number, content, min(position, end), whole)


def _length(head: bytes, position: int) -> int:
    """Return how many bytes a number of variable length has; 0 if it is not valid."""
    return 9 - head[position].bit_length() if position < len(head) and head[position] else 0

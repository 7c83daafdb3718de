"""JPEG (ITU-T T.81) without metadata. Exif keeps nothing but the orientation."""

import re
from collections.abc import Iterator
from typing import Literal

from chatserver.files.media import Malformed

Buffer = bytes | memoryview

SOI, EOI, SOS, COM, APP1 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE1
STANDALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a segment
APPLICATION = range(0xE0, 0xF0)
ICC = b"ICC_PROFILE\0"
EXIF = b"Exif\0\0"
ORIENTATION = 0x0112  # tag
ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}  # of bytes
MAX_SEGMENTS = 10_000
MAX_SCANS = 64  # encoders make about 10; each is decoded over the whole picture

_marker = re.compile(rb"\xff(?=[^\x00\xff\xd0-\xd7])")
_fill = re.compile(rb"\xff+")  # the last one begins a marker


def clean(content: Buffer) -> list[bytes]:
    """Return the parts of a JPEG without application segments, comments and what follows its end.

    Kept are JFIF, Adobe's segment and the colour profile, which change how it looks. Raises
    Malformed.
    """
    parts, orientation = [b"\xff\xd8"], 1
    for marker, part in _segments(content):
        if marker == APP1 and part[4:10] == EXIF:
            orientation = _orientation(part[10:]) or orientation
        elif _is_kept(marker, part):
            parts.append(part)
    if orientation != 1:
        first = 2 if len(parts) > 1 and parts[1][1] == APPLICATION.start else 1
        parts.insert(first, _exif(orientation))
    return parts


def _is_kept(marker: int, part: bytes) -> bool:
    if marker == COM:
        return False
    if marker not in APPLICATION:
        return True
    start = part[4:16]
    return (
        (marker, start[:5]) == (0xE0, b"JFIF\0") or marker == 0xEE or (marker, start) == (0xE2, ICC)
    )


def _segments(content: Buffer) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its segment, a scan with its data, until the end of the picture."""
    position, scans = 2, 0
    for _ in range(MAX_SEGMENTS):
        if filled := _fill.match(content, position):
            position = filled.end() - 1
        head = content[position : position + 4]
        if len(head) < 2 or head[0] != 0xFF:
            raise Malformed("a marker is missing")
        marker = head[1]
        end = position + 2
        if marker not in STANDALONE and marker != EOI:
            end += int.from_bytes(head[2:4])
            if end < position + 4 or end > len(content):
                raise Malformed("a segment is cut off")
        if marker == SOS:
            scans += 1
            if scans > MAX_SCANS:
                raise Malformed("there are too many scans")
            found = _marker.search(content, end)
            end = found.start() if found else len(content)
        yield marker, bytes(content[position:end])
        if marker == EOI or end >= len(content):
            return
        position = end
    raise Malformed("there are too many segments")


def _orientation(tiff: bytes) -> int | None:
    """Return the orientation in the first directory of Exif data, if it is there and valid."""
    order = ORDERS.get(tiff[:2])
    if order is None:
        return None

    def number(start: int, size: int) -> int:
        return int.from_bytes(tiff[start : start + size], order)

    directory = number(4, 4)
    for index in range(min(number(directory, 2), 500)):
        entry = directory + 2 + 12 * index
        if number(entry, 2) == ORIENTATION:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else None
    return None


def _exif(orientation: int) -> bytes:
    """Return an Exif segment with one entry."""
    tiff = b"MM\0\x2a\0\0\0\x08" + b"\0\x01" + b"\x01\x12\0\x03\0\0\0\x01\0%c\0\0" % orientation
    body = EXIF + tiff + b"\0\0\0\0"
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body

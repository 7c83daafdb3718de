"""GIF (89a) without comments and metadata."""

import itertools
from collections.abc import Iterator

from chatserver.files.media import Malformed

EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
COMMENT, APPLICATION = 0xFE, 0xFF
KEPT = (b"NETSCAPE2.0", b"ANIMEXTS1.0")  # applications: repetition of the animation
MAX_BLOCKS = 200_000  # about two for each frame
MAX_DATA_BLOCKS = 1_000_000  # encoders fill them with 255 bytes


def clean(content: bytes | memoryview) -> list[bytes]:
    """Return the blocks of a GIF that are its pictures, without what follows its end.

    Raises Malformed, also above MAX_BLOCKS.
    """
    start = 13 + _table(content, 10)
    parts = [bytes(content[:start])]
    for count, block in enumerate(_blocks(content, start)):
        if count >= MAX_BLOCKS:
            raise Malformed("it has too many blocks")
        if _is_kept(block):
            parts.append(block)
    return parts


def _is_kept(block: bytes) -> bool:
    if block[0] != EXTENSION:
        return True
    return block[1] != COMMENT and (block[1] != APPLICATION or block[3:14] in KEPT)


def _blocks(content: bytes | memoryview, start: int) -> Iterator[bytes]:
    """Yield extensions, images and the trailer."""
    position, data_blocks = start, itertools.count(1)
    while position < len(content):
        kind, end = content[position], position + 1
        if kind == IMAGE:
            end = _skip(content, position + 11 + _table(content, position + 9), data_blocks)
        elif kind == EXTENSION:
            end = _skip(content, position + 2, data_blocks)
        elif kind != TRAILER:
            raise Malformed("a block is unknown")
        yield bytes(content[position:end])
        if kind == TRAILER:
            return
        position = end
    raise Malformed("the end is missing")


def _table(content: bytes | memoryview, flags: int) -> int:
    """Return the size of a colour table, which the byte at `flags` describes."""
    if flags >= len(content):
        raise Malformed("it is cut off")
    packed = content[flags]
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _skip(content: bytes | memoryview, position: int, counter: Iterator[int]) -> int:
    """Return the end of data blocks. Raises Malformed above MAX_DATA_BLOCKS of the whole file."""
    while position < len(content):
        if next(counter) > MAX_DATA_BLOCKS:
            raise Malformed("it has too many data blocks")
        size = content[position]
        position += size + 1
        if not size:
            return position
    raise Malformed("a block is cut off")

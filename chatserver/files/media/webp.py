"""WebP (RFC 9649) without metadata."""

from chatserver.files.media import Malformed

KEPT = frozenset([b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"])
METADATA_FLAGS = 0x0C  # of VP8X: Exif and XMP
MAX_CHUNKS = 100_000


def clean(content: bytes | memoryview) -> list[bytes]:
    """Return the parts of a WebP file without Exif, XMP and unknown chunks. Raises Malformed."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        raise Malformed("it is no WebP")
    end = min(len(content), 8 + int.from_bytes(content[4:8], "little"))
    parts: list[bytes] = []
    position = 12
    for _ in range(MAX_CHUNKS):
        if position + 8 > end:
            break
        kind, part = _chunk(content, position)
        if kind == b"VP8X":
            part = part[:8] + bytes([part[8] & ~METADATA_FLAGS]) + part[9:]
        if kind in KEPT:
            parts.append(part)
        position += len(part)
    size = 4 + sum(len(part) for part in parts)
    return [b"RIFF" + size.to_bytes(4, "little") + b"WEBP", *parts]


def _chunk(content: bytes | memoryview, position: int) -> tuple[bytes, bytes]:
    """Return the name of a chunk, and the whole of it with its padding."""
    head = bytes(content[position : position + 8])
    size = int.from_bytes(head[4:], "little")
    part = bytes(content[position : position + 8 + size])
    if len(part) < 8 + size or (head[:4] == b"VP8X" and size < 10):
        raise Malformed("a chunk is cut off")
    return head[:4], part + b"\0" * (size & 1)

"""PNG (W3C, third edition) without metadata."""

from chatserver.files.media import Malformed

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 1_000_000

# Ancillary chunks that change how the picture looks. Others are text, time, Exif, or private.
KEPT = frozenset(
    b"tRNS cHRM gAMA iCCP sBIT sRGB bKGD hIST pHYs sPLT cICP mDCV cLLI acTL fcTL fdAT".split()
)


def clean(content: bytes | memoryview) -> list[bytes]:
    """Return the chunks of a PNG that are its picture, without what follows its end.

    Raises Malformed.
    """
    if content[:8] != SIGNATURE:
        raise Malformed("it is no PNG")
    parts, position = [SIGNATURE], 8
    for _ in range(MAX_CHUNKS):
        head = bytes(content[position : position + 8])
        end = position + 12 + int.from_bytes(head[:4])
        if len(head) < 8 or end > len(content):
            raise Malformed("a chunk is cut off")
        kind = head[4:]
        if _is_critical(kind) or kind in KEPT:
            parts.append(bytes(content[position:end]))
        if kind == b"IEND":
            return parts
        position = end
    raise Malformed("there are too many chunks")


def _is_critical(kind: bytes) -> bool:
    return not kind[0] & 0x20

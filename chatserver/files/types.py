"""Media types, found from the first bytes of a file; its name and its sender are not believed."""

import codecs

from chatserver.file_state import UNKNOWN_TYPE
from chatserver.files import webm

HEAD_BYTES = 4_096  # bytes that decide

TEXT = "text/plain"
ISO_MEDIA = "application/mp4"  # an ISO media file of unknown brands; its tracks tell what it is

# Types that browsers may show in place. Everything else is downloaded: HTML, SVG, XML and PDF could
# run scripts.
INLINE = frozenset(
    "image/jpeg image/png image/gif image/webp video/mp4 video/webm audio/mpeg audio/ogg audio/wav"
    " audio/mp4 audio/webm text/plain".split()
)
PICTURES = frozenset("image/jpeg image/png image/gif image/webp".split())

_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)
_BRANDS = {  # of four letters each
    "video/mp4": "isom iso2 iso3 iso4 iso5 iso6 mp41 mp42 avc1 M4V  M4VH M4VP MSNV dash 3gp4 3gp5"
    " 3gp6 3g2a mmp4 f4v ",
    "audio/mp4": "M4A  M4B  M4P ",
    "video/quicktime": "qt  ",
    "image/heic": "heic heix hevc hevx heim heis mif1 msf1",
    "image/avif": "avif avis",
    "image/x-canon-cr3": "crx ",
}
_QUICKTIME_STARTS = frozenset(b"moov mdat wide free skip pnot".split())  # before it had brands
_TYPE_OF_BRAND = {
    brands[start : start + 4].encode(): kind
    for kind, brands in _BRANDS.items()
    for start in range(0, len(brands), 5)
}


def media_type(head: bytes) -> str:
    """Return the media type of a file that begins with these bytes, as many as HEAD_BYTES."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], UNKNOWN_TYPE)
    if head[4:8] == b"ftyp" and head[0] == 0:  # others are texts with this word
        return _type_of_brands(head)
    if webm.is_webm(head):
        return "audio/webm" if webm.is_sound(head) else "video/webm"
    if _is_mp3(head):
        return "audio/mpeg"
    if _is_text(head):
        return TEXT
    return "video/quicktime" if head[4:8] in _QUICKTIME_STARTS else UNKNOWN_TYPE


def _type_of_brands(head: bytes) -> str:
    """Return the type of an ISO media file: of its brand, or of the first compatible one known."""
    end = int.from_bytes(head[:4])
    brands = [head[8:12], *(head[start : start + 4] for start in range(16, min(end, len(head)), 4))]
    return next((_TYPE_OF_BRAND[one] for one in brands if one in _TYPE_OF_BRAND), ISO_MEDIA)


def _is_mp3(head: bytes) -> bool:
    """Whether it begins with the header of an MPEG audio frame, layer III, valid rates."""
    return (
        len(head) >= 4
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[2] >> 4 not in (0, 15)
        and head[2] & 0x0C != 0x0C
    )


def _is_text(head: bytes) -> bool:
    """Whether it is UTF-8 without control characters, and not markup."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head[:HEAD_BYTES])
    except UnicodeDecodeError:
        return False
    if text.lstrip().startswith("<"):
        return False
    return bool(text) and all(c >= " " or c in "\t\n\r\f\x1b" for c in text) and "\x7f" not in text

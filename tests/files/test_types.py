"""Media types by the first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.files import webm
from chatserver.files.types import HEAD_BYTES, INLINE, media_type

RUNNABLE = ("application/pdf", "application/octet-stream", "image/svg+xml", "text/html")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"GIF89a\1\0\1\0", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI ", "application/octet-stream"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"\0\0\0\x18ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x18ftypM4V ", "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypavif", "image/avif"),
        (b"\0\0\0\x18ftypabcd\0\0\0\0efghijkl", "application/mp4"),
        (b"\0\0\0\x18ftypXAVC\0\0\0\0XAVCmp42", "video/mp4"),
        (b"\0\0\0\x14ftypCAEP\0\0\0\0qt  ", "video/quicktime"),
        (b"\0\0\0\x14ftypabcd\0\0\0\0\0\0\0\x10qt  ", "application/mp4"),
        (b"\0\0\0\x18ftypmiaf\0\0\0\0abcdheic", "image/heic"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0crx isom", "image/x-canon-cr3"),
        (b"See ftypisom in the standard", "text/plain"),
        (b"\0\0\0\x6cmoov\0\0\0\x6cmvhd", "video/quicktime"),
        (b"\0\1\0\0mdat\0\0\0\0", "video/quicktime"),
        (b"\0\0\0\x08wide\0\1\0\0mdat", "video/quicktime"),
        (b"\0\0\0\x08free\0\1\0\0mdat", "video/quicktime"),
        (b"\0\0\0\x08skip\0\1\0\0mdat", "video/quicktime"),
        (b"\0\0\0\x14pnot\0\0\0\0\0\0", "video/quicktime"),
        (b"The free software", "text/plain"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\xf7\x81\1\x42\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", "application/octet-stream"),
        (b"ID3\3\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64\0\0", "audio/mpeg"),
        (b"\xff\xff\xff\xff", "application/octet-stream"),
        (b"OggS\0\2", "audio/ogg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"hello\r\n", "text/plain"),
        ("你好".encode(), "text/plain"),
        (("é" * HEAD_BYTES).encode()[:HEAD_BYTES], "text/plain"),
        (("é" * HEAD_BYTES).encode()[1:HEAD_BYTES], "application/octet-stream"),
        (b"", "application/octet-stream"),
        (b"a\0b", "application/octet-stream"),
        (b"<!DOCTYPE html>", "application/octet-stream"),
        (b" \n<svg xmlns=''>", "application/octet-stream"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "application/octet-stream"),
        ("<html>".encode("utf-16"), "application/octet-stream"),
    ],
)
def test_the_type_is_found_from_the_first_bytes(head: bytes, kind: str) -> None:
    assert media_type(head) == kind


def element(name: str, *contents: bytes, size: bytes | None = None) -> bytes:
    """Return an element of EBML with a size of one byte."""
    body = b"".join(contents)
    return bytes.fromhex(name) + (size or bytes([0x80 | len(body)])) + body


def tracks(*kinds: bytes) -> bytes:
    """Return the list of tracks of these kinds: 1 is a picture, 2 sound, 17 text."""
    return element("1654ae6b", *(element("ae", element("83", kind)) for kind in kinds))


HEADER = element("1a45dfa3", element("4282", b"webm"))
LIVE = b"\x01" + b"\xff" * 7  # the size of what is not finished
INFO = element("1549a966", element("2ad7b1", b"\x0f\x42\x40"))


def recording(*parts: bytes) -> bytes:
    return HEADER + element("18538067", *parts, size=LIVE)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (recording(INFO, tracks(b"\2"), b"\x1f\x43\xb6\x75"), "audio/webm"),
        (recording(tracks(b"\2", b"\2")), "audio/webm"),
        (HEADER + element("18538067", tracks(b"\2")), "audio/webm"),
        (recording(tracks(b"\2", b"\1")), "video/webm"),
        (recording(tracks(b"\1")), "video/webm"),
        (recording(tracks(b"\x11")), "video/webm"),
        (recording(tracks()), "video/webm"),
        (recording(INFO), "video/webm"),
        (recording(tracks(b"\2"))[:-1], "video/webm"),
        (recording(element("1654ae6b", element("ae", b"\x83")[:2] + b"\0")), "video/webm"),
        (recording(b"\0\0\0\0"), "video/webm"),
        (recording(element("1654ae6b", element("ae", size=b"\0"))), "video/webm"),
        (HEADER, "video/webm"),
    ],
)
def test_webm_is_sound_if_its_list_of_tracks_has_nothing_else(head: bytes, kind: str) -> None:
    assert media_type(head) == kind


@given(st.binary(max_size=200))
def test_damaged_lists_of_tracks_are_read_to_their_end(content: bytes) -> None:
    webm.is_sound(recording(content))
    webm.is_sound(recording(element("1654ae6b", content[:100], size=b"\x40\x64")))


def test_nothing_that_browsers_run_is_shown_in_place() -> None:
    assert not INLINE & {*RUNNABLE}

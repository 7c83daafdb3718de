"""Media types by the first bytes."""

import pytest

from chatserver.files.types import HEAD, INLINE, media_type

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
        (b"\0\0\0\x18ftypabcd", "application/octet-stream"),
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
        (("é" * HEAD).encode()[:HEAD], "text/plain"),
        (("é" * HEAD).encode()[1:HEAD], "application/octet-stream"),
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


def test_nothing_that_browsers_run_is_shown_in_place() -> None:
    assert not INLINE & {*RUNNABLE}

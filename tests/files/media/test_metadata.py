"""Removal of metadata: no private data is left, and not a pixel changes."""

import io
import re
import shutil
import struct
import subprocess
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, PngImagePlugin

from chatserver.files.media import Malformed, gif, jpeg, mp4, png, webp
from tests.rig.needs import require

SECRET = b"48.8583N 2.2945E"
CLEAN: dict[str, Any] = {"JPEG": jpeg, "PNG": png, "GIF": gif, "WEBP": webp}

pictures = st.builds(
    lambda width, height, noise, mode: Image.frombytes(
        "RGB",
        (width, height),
        (noise * (width * height * 3 // len(noise) + 1))[: width * height * 3],
    ).convert(mode),
    st.integers(1, 40),
    st.integers(1, 40),
    st.binary(min_size=1, max_size=200),
    st.sampled_from(["RGB", "L"]),
)
texts = st.binary(max_size=100).map(lambda text: SECRET + text)


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def cleaned(content: bytes, form: str) -> bytes:
    return b"".join(CLEAN[form].clean(content))


def decoded(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def exif(orientation: int = 1) -> bytes:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = SECRET.decode()
    found[0x8825] = {1: "N", 2: (48.0, 51.0, 29.9), 3: "E", 4: (2.0, 17.0, 40.2)}
    return found.tobytes()


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


@settings(deadline=None, max_examples=50)
@given(
    pictures, st.integers(1, 8), texts, st.sampled_from([*range(0xE1, 0xF0), 0xFE]), st.booleans()
)
def test_a_jpeg_keeps_its_pixels_and_its_orientation_only(
    picture: Image.Image, orientation: int, text: bytes, marker: int, progressive: bool
) -> None:
    content = encoded(picture, "JPEG", exif=exif(orientation), progressive=progressive)
    content = content[:2] + segment(marker, b"XX" + text) + content[2:] + b"\xff\xd8" + text
    result = cleaned(content, "JPEG")
    if marker != 0xEE:
        assert SECRET not in result
    before, after = decoded(content), decoded(result)
    assert ImageChops.difference(before, after).getbbox() is None
    assert dict(after.getexif()) == ({0x0112: orientation} if orientation != 1 else {})
    assert cleaned(result, "JPEG") == result


def test_a_jpeg_keeps_its_colour_profile_and_no_further_pictures() -> None:
    profile = b"profile" * 20_000  # in several segments
    content = encoded(Image.new("RGB", (8, 8), "red"), "JPEG", icc_profile=profile, exif=exif())
    further = segment(0xE2, b"MPF\0" + SECRET)
    result = cleaned(content[:2] + further + content[2:], "JPEG")
    assert decoded(result).info["icc_profile"] == profile
    assert b"MPF" not in result
    assert SECRET not in result


@settings(deadline=None, max_examples=50)
@given(pictures, texts, st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf", b"prVt"]))
def test_a_png_keeps_its_pixels_only(picture: Image.Image, text: bytes, kind: bytes) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Location", SECRET.decode())
    content = encoded(picture, "PNG", pnginfo=info, exif=exif())
    result = cleaned(content[:33] + chunk(kind, text) + content[33:] + text, "PNG")
    assert SECRET not in result
    assert ImageChops.difference(decoded(content), decoded(result)).getbbox() is None
    assert cleaned(result, "PNG") == result


@settings(deadline=None, max_examples=30)
@given(pictures, st.booleans(), texts)
def test_a_webp_keeps_its_pixels_only(picture: Image.Image, lossless: bool, text: bytes) -> None:
    content = encoded(picture, "WEBP", lossless=lossless, exif=exif(), xmp=text)
    result = cleaned(content + text, "WEBP")
    assert SECRET not in result
    assert (b"EXIF" in result, b"XMP " in result) == (False, False)
    assert int.from_bytes(result[4:8], "little") == len(result) - 8
    assert result[12:16] != b"VP8X" or not result[20] & 0x0C
    assert ImageChops.difference(decoded(content), decoded(result)).getbbox() is None
    assert cleaned(result, "WEBP") == result


@settings(deadline=None, max_examples=30)
@given(st.lists(pictures, min_size=1, max_size=4), texts)
def test_a_gif_keeps_its_frames_only(frames: list[Image.Image], text: bytes) -> None:
    first, *others = [frame.resize((10, 10)).convert("P") for frame in frames]
    content = encoded(first, "GIF", save_all=True, append_images=others, comment=text[:200], loop=0)
    result = cleaned(content + text, "GIF")
    assert SECRET not in result
    before, after = decoded(content), decoded(result)
    assert getattr(before, "n_frames", 1) == getattr(after, "n_frames", 1)
    assert before.info.get("loop") == after.info.get("loop")
    difference = ImageChops.difference(before.convert("RGB"), after.convert("RGB"))
    assert difference.getbbox() is None
    assert cleaned(result, "GIF") == result


def test_xmp_in_a_gif_is_removed() -> None:
    content = encoded(Image.new("P", (4, 4)), "GIF")
    block = b"\x21\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0"
    start = 13 + 3 * 2 ** ((content[10] & 7) + 1)
    assert SECRET not in cleaned(content[:start] + block + content[start:], "GIF")


def test_a_gif_with_too_many_blocks_is_rejected() -> None:
    start, comment = b"GIF89a\1\0\1\0\0\0\0", b"\x21\xfe\0"
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\x02\x02\x44\x01\0"
    assert len(gif.clean(start + frame * 20_000 + b";")) == 20_002
    for block in (frame, comment):
        with pytest.raises(Malformed):
            gif.clean(start + block * 200_001 + b";")


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(CLEAN)), st.data())
def test_damaged_pictures_are_rejected_or_cleaned(form: str, data: st.DataObject) -> None:
    content = bytearray(encoded(Image.new("P", (9, 9)).convert("RGB"), form))
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    with suppress(Malformed):
        assert len(b"".join(CLEAN[form].clean(bytes(content[:cut])))) <= len(content) + 100


# MP4 ---------------------------------------------------------------------------------------------


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return (len(body) + 8).to_bytes(4) + kind + body


def without_metadata(content: bytes) -> bytes:
    file = io.BytesIO(content)
    mp4.clean(file, len(content))
    return file.getvalue()


PICTURES = box(b"hdlr", bytes(8), b"vide", bytes(12))  # of a track
PLACE = box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7" + SECRET))
FILM = [
    box(b"ftyp", b"isom\0\0\0\0"),
    box(
        b"moov",
        box(b"mvhd", b"\0" * 100),
        box(b"trak", box(b"tkhd", b"\1" * 84), PLACE, box(b"meta", SECRET), box(b"mdia", PICTURES)),
        PLACE,
        box(b"meta", b"\0\0\0\0", box(b"ilst", SECRET)),
    ),
    box(b"uuid", b"\xbe\x7a\xcf\xcb" * 4 + SECRET),
    (1).to_bytes(4) + b"mdat" + (16 + 300).to_bytes(8) + bytes(range(150)) * 2,
]


def test_the_metadata_of_a_video_is_overwritten_in_place() -> None:
    content = b"".join(FILM)
    result = without_metadata(content)
    assert len(result) == len(content)
    assert SECRET not in result
    assert b"udta" not in result
    assert result.endswith(FILM[3])
    assert result.index(b"tkhd") == content.index(b"tkhd")
    assert without_metadata(result) == result


def number(*values: int) -> bytes:
    return b"".join(value.to_bytes(4) for value in values)


def track(handler: bytes, offset: int, *, wide: bool = False, sizes: bytes = b"") -> bytes:
    """Return a track with chunks of 2 and 1 samples of 10 bytes at `offset` and 40 bytes later."""
    hdlr = box(b"hdlr", number(0, 0), handler, bytes(12), b"name\0")
    starts = [offset, offset + 40]
    places = (
        box(b"co64", number(0, 2), *(start.to_bytes(8) for start in starts))
        if wide
        else box(b"stco", number(0, 2, *starts))
    )
    runs = box(b"stsc", number(0, 2, 1, 2, 1, 2, 1, 1))
    table = box(b"stbl", runs, box(b"stsz", sizes or number(0, 0, 3, 10, 10, 10)), places)
    return box(b"trak", box(b"mdia", hdlr, box(b"minf", box(b"nmhd", bytes(4)), table)))


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("sizes", [b"", number(0, 10, 3)])
@pytest.mark.parametrize(
    "handler", b"meta camm gpmd data tmcd text sbtl subt clcp vide soun auxv pict".split()
)
def test_the_samples_of_data_tracks_are_overwritten(
    handler: bytes, wide: bool, sizes: bytes
) -> None:
    kept = handler in (b"vide", b"soun", b"auxv", b"pict")
    data = b"0123456789" * 10
    start = FILM[0] + box(b"mdat", data)
    content = start + box(b"moov", track(handler, len(start) - 90, wide=wide, sizes=sizes))
    found = without_metadata(content)[len(start) - 100 : len(start)]
    expected = data if kept else data[:10] + bytes(20) + data[30:50] + bytes(10) + data[60:]
    assert found == expected
    assert (b"trak" in without_metadata(content)) is kept


@pytest.mark.parametrize(
    "content",
    [
        box(b"moov", track(b"meta", 1_000_000)),
        box(b"moov", *[track(b"meta", 0, sizes=number(0, 100, 3))] * 2),
        box(b"moov", track(b"meta", 0, sizes=number(0, 2**31, 3))),
        box(b"moov", track(b"meta", 0, sizes=number(0, 0, 2**31))),
        box(b"moov", track(b"meta", 0)) + box(b"moof"),
        box(b"moov", box(b"trak", box(b"mdia", box(b"hdlr", number(0, 0), b"meta")))),
        box(b"moov", box(b"cmov", bytes(20))),
        FILM[0] + FILM[2] + FILM[3],
    ],
)
def test_a_video_whose_data_cannot_be_found_is_rejected_unchanged(content: bytes) -> None:
    file = io.BytesIO(content)
    with pytest.raises(Malformed):
        mp4.clean(file, len(content))
    assert file.getvalue() == content


@pytest.mark.parametrize("writes", range(6))
def test_cleaning_a_video_can_be_repeated_after_a_kill(writes: int) -> None:
    """A second attempt would not find samples whose track is gone."""
    start = FILM[0] + box(b"mdat", SECRET * 10)
    tracks = [track(b"meta", len(start) - len(SECRET) * 10 + offset) for offset in (0, 20)]
    content = start + box(b"moov", *tracks, PLACE)
    file = Interrupted(content, writes)
    with suppress(KeyboardInterrupt):
        mp4.clean(file, len(content))
    assert without_metadata(file.getvalue()) == without_metadata(content)


class Interrupted(io.BytesIO):
    """A file in memory. The process is killed before it writes for the given time."""

    def __init__(self, content: bytes, writes: int) -> None:
        super().__init__(content)
        self._left = writes

    def write(self, data: Any) -> int:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return super().write(data)


def test_metadata_anywhere_in_a_video_is_overwritten() -> None:
    hidden = [box(kind, SECRET) for kind in (b"meta", b"udta", b"free", b"skip", b"XMP_", b"PICT")]
    minf = box(b"minf", *hidden, box(b"stbl", *hidden[:3]))
    track = box(b"trak", box(b"mdia", PICTURES, *hidden, minf))
    content = FILM[0] + b"".join(hidden) + box(b"moov", *hidden, track) + FILM[3]
    result = without_metadata(content + box(b"moof", box(b"traf", *hidden[:4])))
    assert SECRET not in result
    assert len(result) - len(content) == len(box(b"moof", box(b"traf", *hidden[:4])))


def test_a_track_of_unknown_kind_is_removed() -> None:
    tracks = [box(b"trak", box(b"tkhd", SECRET)), track(b"\0\0\0\0", 0), track(b"vide", 0)]
    result = without_metadata(FILM[0] + box(b"moov", *tracks))
    assert SECRET not in result
    assert result.count(b"trak") == 1


def test_a_video_may_end_with_an_open_box() -> None:
    content = FILM[0] + FILM[1] + (0).to_bytes(4) + b"mdat" + b"x" * 50
    assert SECRET not in without_metadata(content)


@pytest.mark.parametrize("content", [b"\0\0\0\x07ftyp", b"\0\0\x10\0moov", box(b"moov") * 100_001])
def test_a_damaged_video_is_rejected(content: bytes) -> None:
    with pytest.raises(Malformed):
        without_metadata(content)


# An outside judge ---------------------------------------------------------------------------------

PRIVATE = re.compile(r"gps|location|description|comment|make|xmp|date/time original", re.IGNORECASE)
EXIFTOOL = shutil.which("exiftool")


def facts(path: Path) -> list[str]:
    """Return what exiftool finds in a file, without what it says about the file itself."""
    done = subprocess.run(
        [str(EXIFTOOL), "-a", "-ee", "-G1", str(path)], capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if not line.startswith(("[System]", "[Exif"))]


def film_with_positions() -> bytes:
    """Return a film with a track of the positions of its camera."""
    sample = struct.pack("<HHddd", 0, 5, 48.8583, 2.2945, 35.0)
    start = FILM[0] + box(b"mdat", sample)
    stsd = box(b"stsd", number(0, 1), box(b"camm", bytes(6) + b"\0\1"))
    tables = (
        box(b"stts", number(0, 1, 1, 1_000)),
        box(b"stsc", number(0, 1, 1, 1, 1)),
        box(b"stsz", number(0, len(sample), 1)),
        box(b"stco", number(0, 1, len(start) - len(sample))),
    )
    hdlr = box(b"hdlr", number(0, 0), b"camm", bytes(12), b"name\0")
    header = box(b"mdhd", number(0, 0, 0, 1_000, 1_000, 0))
    minf = box(b"minf", box(b"nmhd", bytes(4)), box(b"stbl", stsd, *tables))
    tkhd = box(b"tkhd", b"\0\0\0\1", number(0, 0, 1, 0, 1_000), bytes(60))
    mvhd = box(b"mvhd", number(0, 0, 0, 1_000, 1_000), bytes(80))
    return start + box(b"moov", mvhd, box(b"trak", tkhd, box(b"mdia", header, hdlr, minf)))


def test_exiftool_finds_nothing_private(tmp_path: Path) -> None:
    require("exiftool", found=EXIFTOOL is not None)
    picture = Image.linear_gradient("L").convert("RGB")
    contents = {
        "JPEG": encoded(picture, "JPEG", exif=exif(6), comment=SECRET, xmp=b"<x:xmpmeta/>"),
        "PNG": encoded(picture, "PNG", exif=exif()),
        "WEBP": encoded(picture, "WEBP", exif=exif(), xmp=b"<x:xmpmeta/>"),
        "GIF": encoded(picture, "GIF", comment=SECRET),
    }
    cleaned_ones = {form: cleaned(content, form) for form, content in contents.items()}
    contents["MP4"], contents["CAMM"] = b"".join(FILM), film_with_positions()
    contents["AVIF"] = encoded(picture, "AVIF", exif=exif(), xmp=b"<x:xmpmeta/>")
    cleaned_ones |= {form: without_metadata(contents[form]) for form in ("MP4", "CAMM", "AVIF")}
    for form, content in contents.items():
        before, after = tmp_path / f"before.{form}", tmp_path / f"after.{form}"
        before.write_bytes(content)
        after.write_bytes(cleaned_ones[form])
        assert any(PRIVATE.search(fact) for fact in facts(before)), form
        assert [fact for fact in facts(after) if PRIVATE.search(fact)] == [], form

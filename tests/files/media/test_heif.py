"""Removal of metadata from HEIC and AVIF: Exif and XMP are gone, and not a picture changes."""

import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, features

from chatserver.files.media import Malformed, heif, mp4
from tests.files.media.test_metadata import (
    SECRET,
    Interrupted,
    box,
    decoded,
    exif,
    number,
    track,
    without_metadata,
)
from tests.rig.needs import require

PICTURE = bytes(range(200))
HDLR = box(b"hdlr", number(0, 0), b"pict", bytes(13))


def item(place: int, kind: bytes, version: int = 2) -> bytes:
    ident = place.to_bytes(2 if version == 2 else 4)
    return box(b"infe", bytes([version, 0, 0, 0]), ident, b"\0\0", kind, b"\0")


def short(*values: int) -> bytes:
    return b"".join(value.to_bytes(2) for value in values)


def places(*extents: tuple[int, int, int, int], version: int = 1) -> bytes:
    """Return `iloc` with items of one extent: number, method, offset, length."""
    long = 4 if version == 2 else 2
    entries = [
        ident.to_bytes(long) + (short(method) if version else b"") + short(0, 1) + number(*extent)
        for ident, method, *extent in extents
    ]
    return box(b"iloc", bytes([version, 0, 0, 0, 0x44, 0]), len(entries).to_bytes(long), *entries)


def photo(
    kind: bytes = b"Exif",
    *,
    version: int = 1,
    infe: int = 2,
    method: int = 0,
    more: bytes = b"",
    properties: bytes = b"",
    trailer: bytes = b"",
) -> bytes:
    """Return a picture (item 1) with another item, of which `method` says where its data is."""

    def meta(start: int) -> bytes:
        # the data of item 2 is between two halves of other data
        place = (start + len(PICTURE)) if method == 0 else 3
        items = [item(1, b"hvc1", infe), item(2, kind, infe)]
        table = places(
            (1, 0, start, len(PICTURE)), (2, method, place, len(SECRET)), version=version
        )
        return box(
            b"meta",
            bytes(4),
            HDLR,
            box(b"pitm", bytes(4), short(1)),
            box(b"iinf", bytes(4), short(len(items)), *items),
            table,
            box(b"iprp", box(b"ipco", box(b"ispe", bytes(12)), properties)),
            box(b"idat", b"abc" + (SECRET if method else bytes(16)) + b"def"),
            more,
        )

    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    start = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(start) + box(b"mdat", PICTURE, b"" if method else SECRET, b"end") + trailer


@pytest.mark.parametrize("kind", [b"Exif", b"mime", b"uri ", b"x-1 "])
@pytest.mark.parametrize(
    ("version", "infe", "method"), [(0, 2, 0), (1, 2, 0), (1, 2, 1), (2, 3, 0), (2, 3, 1)]
)
def test_the_data_of_items_that_are_no_pictures_is_overwritten(
    kind: bytes, version: int, infe: int, method: int
) -> None:
    content = photo(kind, version=version, infe=infe, method=method)
    result = without_metadata(content)
    assert content.count(SECRET) == 1
    assert result == content.replace(SECRET, bytes(len(SECRET))).replace(kind, b"free")
    assert without_metadata(result) == result


def test_pictures_of_all_kinds_are_kept() -> None:
    for kind in (b"hvc1", b"av01", b"grid", b"iden", b"tmap", b"jpeg"):
        content = photo(kind)
        assert without_metadata(content) == content


def test_other_boxes_and_descriptions_of_a_picture_are_overwritten() -> None:
    hidden = [box(kind, SECRET) for kind in (b"uuid", b"udta", b"xml ", b"free", b"abcd")]
    texts = box(b"udes", SECRET) + box(b"uuid", SECRET)
    trailer = box(b"mpvd", SECRET) + box(b"uuid", SECRET)
    content = photo(more=b"".join(hidden), properties=texts, trailer=trailer)
    result = without_metadata(content)
    assert len(result) == len(content)
    assert SECRET not in result
    assert result.index(b"udes") == content.index(b"udes")
    assert result.index(PICTURE) == content.index(PICTURE)


def test_a_sequence_of_pictures_keeps_its_track() -> None:
    content = photo(trailer=box(b"moov", track(b"pict", 0), track(b"meta", 0)))
    result = without_metadata(content)
    assert (result.count(b"trak"), SECRET in result) == (1, False)


@pytest.mark.parametrize(
    "content",
    [
        box(b"meta", bytes(4), HDLR),
        box(b"meta", bytes(4), HDLR, box(b"iinf", bytes(6))),
        photo(infe=2).replace(b"infe\2", b"infe\1"),
        photo(method=2),
        photo(version=2, infe=3).replace(number(len(SECRET)), number(0)),
        photo(version=2, infe=3).replace(number(len(SECRET)), number(1_000)),
        photo(method=1).replace(number(3, len(SECRET)), number(9, len(SECRET))),
        photo().replace(short(2, 0, 0, 1), short(2, 0, 1, 1)),
        photo().replace(short(2, 0, 0, 1), short(2, 0, 0, 9)),
        box(b"uuid", SECRET),
    ],
)
def test_a_picture_whose_metadata_cannot_be_found_is_rejected_unchanged(content: bytes) -> None:
    file = io.BytesIO(content)
    with pytest.raises(Malformed):
        mp4.clean(file, len(content))
    assert file.getvalue() == content


def test_a_picture_with_too_many_places_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    content = photo()
    monkeypatch.setattr(heif, "MAX_PLACES", 1)
    without_metadata(content)
    monkeypatch.setattr(heif, "MAX_PLACES", 0)
    with pytest.raises(Malformed, match="too many"):
        without_metadata(content)


@pytest.mark.parametrize("writes", range(6))
def test_cleaning_a_picture_can_be_repeated_after_a_kill(writes: int) -> None:
    content = photo(more=box(b"xml ", SECRET), properties=box(b"udes", SECRET))
    file = Interrupted(content, writes)
    with suppress(KeyboardInterrupt):
        mp4.clean(file, len(content))
    assert without_metadata(file.getvalue()) == without_metadata(content)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_pictures_are_rejected_or_cleaned(data: st.DataObject) -> None:
    content = bytearray(photo(method=data.draw(st.integers(0, 1)), properties=box(b"udes", SECRET)))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        assert len(without_metadata(bytes(content))) == len(content)


def test_a_real_avif_is_decoded_to_the_same_pixels() -> None:
    require("AVIF in Pillow", found=bool(features.check("avif")))
    buffer = io.BytesIO()
    picture = Image.linear_gradient("L").convert("RGB")
    picture.save(buffer, "AVIF", exif=exif(), xmp=b"<x:xmpmeta>" + SECRET)
    result = without_metadata(buffer.getvalue())
    assert buffer.getvalue().count(SECRET) >= 2
    assert SECRET not in result
    before, after = decoded(buffer.getvalue()), decoded(result)
    assert ImageChops.difference(before, after).getbbox() is None
    assert not dict(after.getexif())
    assert not after.info.get("xmp")

"""Removal of metadata from WebM: no private data is left, and not a picture or sound changes."""

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver.files.media import Malformed, webm
from tests.files.media.test_metadata import EXIFTOOL, SECRET, Interrupted, facts
from tests.rig.needs import require

UNKNOWN = b"\x01" + b"\xff" * 7
NAMES = {  # elements that may have private data, by the id of their container
    "1549a966": ["7ba9", "4461", "7384", "3c83ab", "73a4", "4444"],  # of the file
    "ae": ["536e", "258688", "7446"],  # of a track
    "18538067": ["1254c367", "1043a770", "1941a469", "4242"],  # of the segment
    "1f43b675": ["af", "4242", "ec"],  # of a cluster
}


def element(name: str, *contents: bytes, size: bytes | None = None) -> bytes:
    body = b"".join(contents)
    short = bytes([0x80 | len(body)]) if len(body) < 127 else b"\x01" + len(body).to_bytes(7)
    return bytes.fromhex(name) + (size or short) + body


HEADER = element("1a45dfa3", element("4282", b"webm"))
SCALE = element("2ad7b1", b"\x0f\x42\x40") + element("4d80", b"Chrome") + element("5741", b"Chrome")
OPUS = element("86", b"A_OPUS") + element("63a2", b"OpusHead") + element("e1", b"\xb5\x84\0\0\0\0")


SECRET_CODEC = element("86", SECRET)


def track(number: int, kind: int, *more: bytes) -> bytes:
    return element("ae", element("d7", bytes([number])), element("83", bytes([kind])), *more)


def block(number: int, content: bytes) -> bytes:
    return element("a3", bytes([0x80 | number]) + b"\0\0\x80" + content)


def group(number: int, content: bytes) -> bytes:
    return element("a0", element("a1", bytes([0x80 | number]) + b"\0\0\0" + content))


def recording(*parts: bytes, size: bytes | None = UNKNOWN, start: bytes = HEADER) -> bytes:
    return start + element("18538067", *parts, size=size)


def cluster(*parts: bytes, size: bytes | None = UNKNOWN) -> bytes:
    return element("1f43b675", element("e7", b"\0"), *parts, size=size)


TRACKS = element("1654ae6b", track(1, 2, OPUS))

# As Chrome and Firefox record a voice.
VOICE = recording(
    element("1549a966", SCALE),
    element("1654ae6b", track(1, 2, OPUS)),
    cluster(block(1, b"one"), block(1, b"two" * 100)),
    cluster(block(1, b"three"), group(1, b"four")),
)
SOUNDS = (b"one", b"two" * 100, b"three", b"four")


def cleaned(content: bytes) -> bytes:
    file = io.BytesIO(content)
    webm.clean(file, len(content))
    return file.getvalue()


def voids(content: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield the contents of adjacent Voids, and fail if there is anything else."""
    while start < end:
        assert content[start] == 0xEC
        size = 9 - content[start + 1].bit_length()
        first = start + 1 + size
        length = int.from_bytes(content[start + 1 : first]) & (1 << 7 * size) - 1
        start = first + length
        yield content[first:start]
    assert start == end


def test_a_recording_without_metadata_is_not_changed() -> None:
    assert cleaned(VOICE) == VOICE
    empty = recording(element("1549a966", element("bf", b"abcd"), SCALE, element("ec", bytes(50))))
    assert cleaned(empty) == empty


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("length", [0, 108, 109, 110, 111, 70_000])
@pytest.mark.parametrize(
    ("parent", "name"), [(parent, name) for parent, names in NAMES.items() for name in names]
)
def test_metadata_becomes_a_void_of_the_same_length(
    parent: str, name: str, length: int, live: bool
) -> None:
    private = element(name, SECRET, b"x" * length)

    def inside(container: str) -> bytes:
        return private if container == parent else b""

    size = UNKNOWN if live else None
    parts = [
        inside("18538067"),
        element("1549a966", inside("1549a966"), SCALE),
        element("1654ae6b", track(1, 2, OPUS, inside("ae"))),
        cluster(block(1, b"one"), block(1, b"two"), size=size),
        cluster(block(1, b"three"), inside("1f43b675"), size=size),
    ]
    content = recording(*parts, size=size)
    result = cleaned(content)
    assert len(result) == len(content)
    assert SECRET not in result
    start = content.index(private)
    end = start + len(private)
    assert result[:start] + result[end:] == content[:start] + content[end:]
    assert not b"".join(voids(result, start, end)).strip(b"\0")
    assert cleaned(result) == result


def test_adjacent_metadata_of_containers_is_not_joined() -> None:
    title, tags = element("7ba9", SECRET), element("1254c367", SECRET)
    content = recording(element("1549a966", SCALE, title, title), tags, tags, size=None)
    result = cleaned(content)
    start = content.index(title)
    assert len(list(voids(result, start, start + 2 * len(title)))) == 1
    assert len(list(voids(result, start + 2 * len(title), len(result)))) == 1


def test_positions_of_removed_elements_and_checksums_are_removed() -> None:
    def position(name: str) -> bytes:
        return element("4dbb", element("53ab", bytes.fromhex(name)), element("53ac", b"\1"))

    checksum = element("bf", b"abcd")
    found = [checksum, position("1549a966"), position("1254c367"), position("1c53bb6b")]
    content = recording(
        element("114d9b74", *found),
        element("1549a966", checksum, SCALE),
        element("1254c367", SECRET),
        size=None,
    )
    result = cleaned(content)
    assert b"\x53\xab\x84\x12\x54\xc3\x67" not in result
    assert (result.count(b"\x53\xab"), result.count(checksum)) == (2, 0)
    assert SECRET not in result


@pytest.mark.parametrize("kind", [0x10, 0x11, 0x12, 0x20, 0x21])
@pytest.mark.parametrize("block", [block, group])
@pytest.mark.parametrize("size", [UNKNOWN, None])
def test_tracks_that_are_neither_pictures_nor_sound_are_removed(
    kind: int, block: object, size: bytes | None
) -> None:
    assert callable(block)
    content = recording(
        element("1654ae6b", track(1, 1), track(2, kind, SECRET_CODEC), track(3, 2)),
        cluster(block(1, b"picture"), block(2, SECRET), block(3, b"sound"), size=size),
        size=size,
    )
    result = cleaned(content)
    assert SECRET not in result
    for kept in (track(1, 1), track(3, 2), block(1, b"picture"), block(3, b"sound")):
        assert result.index(kept) == content.index(kept)
    assert cleaned(result) == result


@pytest.mark.parametrize(
    "content",
    [
        recording(element("1254c367", SECRET, size=UNKNOWN)),
        recording(cluster(block(1, SECRET)), element("1654ae6b", track(1, 2))),
        recording(element("1549a966", SCALE) + b"\0\0\0", size=None),
        recording(element("1549a966", element("7ba9", SECRET)[:-1]), element("1654ae6b")),
        recording(element("1654ae6b", track(1, 2)), cluster(b"\x08\0\0")),
        recording(b"\x1f\x43\xb6\x75\0"),
    ],
)
def test_a_damaged_recording_is_rejected_unchanged(content: bytes) -> None:
    file = io.BytesIO(content)
    with pytest.raises(Malformed):
        webm.clean(file, len(content))
    assert file.getvalue() == content


def test_a_recording_with_too_many_elements_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webm, "MAX_ELEMENTS", 30)
    cleaned(recording(element("ec") * 20))
    with pytest.raises(Malformed, match="too many"):
        cleaned(recording(element("ec") * 40))


WITH_METADATA = recording(
    element("1549a966", element("bf", b"abcd"), SCALE, element("7ba9", SECRET)),
    element("1654ae6b", track(1, 2, OPUS), track(2, 17)),
    cluster(block(1, b"one"), block(2, SECRET), block(2, SECRET)),
    element("1254c367", SECRET * 10),
)


@pytest.mark.parametrize("cut", range(len(WITH_METADATA)))
def test_a_recording_that_ends_anywhere_is_cleaned(cut: int) -> None:
    result = cleaned(WITH_METADATA[:cut])
    assert len(result) == cut
    assert SECRET not in result
    assert (block(1, b"one") in result) == (block(1, b"one") in WITH_METADATA[:cut])


@pytest.mark.parametrize("writes", range(12))
def test_cleaning_a_recording_can_be_repeated_after_a_kill(writes: int) -> None:
    file = Interrupted(WITH_METADATA, writes)
    with suppress(KeyboardInterrupt):
        webm.clean(file, len(WITH_METADATA))
    assert cleaned(file.getvalue()) == cleaned(WITH_METADATA)


def test_exiftool_finds_neither_title_nor_tags(tmp_path: Path) -> None:
    require("exiftool", found=EXIFTOOL is not None)
    tag = element("67c8", element("45a3", b"LOCATION"), element("4487", SECRET))
    tags = element("1254c367", element("7373", tag))
    content = recording(element("1549a966", SCALE, element("7ba9", SECRET)), TRACKS, tags)
    path = tmp_path / "film.webm"
    path.write_bytes(content)
    assert any(SECRET.decode() in fact for fact in facts(path))
    path.write_bytes(cleaned(content))
    found = "\n".join(facts(path))
    assert "A_OPUS" in found
    assert SECRET.decode() not in found
    assert "Location" not in found


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_recordings_are_rejected_or_cleaned(data: st.DataObject) -> None:
    content = bytearray(WITH_METADATA)
    for _ in range(data.draw(st.integers(0, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        once = cleaned(bytes(content))
        assert len(once) == len(content)
        assert cleaned(once) == once

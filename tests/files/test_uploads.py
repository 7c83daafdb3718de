"""Rules of uploads: how many at once, free space, completion, alternative texts."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatserver.errors import BadRequest, RateLimited, Unavailable
from chatserver.file_state import FileState
from chatserver.files import uploads as uploads_module
from chatserver.files.folder_names import CLEAN_SUFFIX
from chatserver.files.part import Locked
from chatserver.files.store import Space
from chatserver.files.uploads import MAX_ALT, MAX_RUNNING, checked_alt
from tests.files.test_cleanup import Parts, parts
from tests.files.test_media_processor import picture

__all__ = ["parts"]

FILE = "A" * 22


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def test_a_user_has_a_limited_number_of_uploads_running(parts: Parts) -> None:
    ann, bo = await parts.storage.user("ann"), await parts.storage.user("bo")
    released = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        await released.wait()
        yield b"x"

    files = [await parts.uploads.begin(ann, "a", 1) for _ in range(MAX_RUNNING + 1)]
    running = [
        asyncio.create_task(parts.uploads.receive(file, 0, waiting())) for file in files[:-1]
    ]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await parts.uploads.receive(files[-1], 0, pieces(b"x"))
    other = await parts.uploads.begin(bo, "a", 1)
    assert await parts.uploads.receive(other, 0, pieces(b"x")) == 1
    released.set()
    assert await asyncio.gather(*running) == [1] * MAX_RUNNING
    assert await parts.uploads.receive(files[-1], 0, pieces(b"x")) == 1


async def test_more_bytes_than_announced_are_refused(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a", 3)
    with pytest.raises(BadRequest):
        await parts.uploads.receive(file, 0, pieces(b"abcd"))
    assert await parts.uploads.offset(file) == 0


async def test_the_free_space_is_kept_while_bytes_arrive(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await parts.storage.user("ann")
    monkeypatch.setattr(uploads_module, "SPACE_CHECK_BYTES", 4)
    file = await parts.uploads.begin(ann, "a", 100)

    async def filling() -> AsyncIterator[bytes]:
        yield b"abcd"
        monkeypatch.setattr(parts.store.uploads, "space", full)
        yield b"efgh"

    async def full() -> Space:
        return Space(free=3, total=100)

    with pytest.raises(Unavailable, match="almost full"):
        await parts.uploads.receive(file, 0, filling())
    assert await parts.uploads.offset(file) == 4


async def test_bytes_that_follow_the_last_ones_do_not_change_a_file(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size shrinks when its metadata is removed, so that another offset fits then."""
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a", 3)
    await parts.uploads.receive(file, 0, pieces(b"abc"))
    head = parts.store.uploads.head

    async def shrinking(file_id: str, suffix: str, count: int) -> bytes:
        parts.store.uploads.path(file_id, suffix).write_bytes(b"ab")
        with pytest.raises(Locked):
            await parts.uploads.receive(file, 2, pieces(b"d"))
        return await head(file_id, suffix, count)

    monkeypatch.setattr(parts.store.uploads, "head", shrinking)
    assert (await parts.uploads.complete(file)).bytes == 2
    assert parts.place.read(file.id) == b"ab"


async def test_a_picture_that_found_the_disk_full_is_completed_later(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    content = picture("JPEG")
    file = await parts.uploads.begin(ann, "a.jpg", len(content))
    await parts.uploads.receive(file, 0, pieces(content))
    parts.store.uploads.path(file.id, CLEAN_SUFFIX).symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="full"):
        await parts.uploads.complete(file)
    assert (await parts.uploads.find(ann, file.id)).state is FileState.UPLOADING
    await parts.uploads.offset(file)
    found = await parts.uploads.find(ann, file.id)
    assert (found.state, found.type, found.width) == (FileState.COMPLETE, "image/jpeg", 900)
    await parts.uploads._media.close()


def test_an_alternative_text_is_one_line_of_limited_length() -> None:
    assert checked_alt(" a \n b ") == "a b"
    assert checked_alt(" ") is None
    assert checked_alt("a\x00b\u202e c\u200b") == "ab c"
    assert checked_alt("\u3164\u2800\u00ad") is None
    with pytest.raises(BadRequest):
        checked_alt("x" * (MAX_ALT + 1))
    assert checked_alt("e\u0301" * MAX_ALT) == "é" * MAX_ALT


def test_an_alternative_text_that_compatibility_forms_make_much_longer_is_refused() -> None:
    ligature = "\ufdfa"  # becomes 18 characters
    assert checked_alt("x" * 190 + ligature * 45) is not None
    with pytest.raises(BadRequest):
        checked_alt(ligature * 56)

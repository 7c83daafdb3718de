"""Rules of uploads: how many at once, how slow, and the store below them."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatserver.errors import BadRequest, NotFound, RateLimited, Unavailable
from chatserver.file_state import FileState
from chatserver.files import folder_uploads as folder_module
from chatserver.files import uploads as uploads_module
from chatserver.files.folder_names import CLEAN_SUFFIX, PART_SUFFIX, SEALED_SUFFIX
from chatserver.files.pace import Piece, paced
from chatserver.files.part import Checksum, Locked, WrongChecksum, WrongOffset
from chatserver.files.store import Space
from chatserver.files.uploads import MAX_ALT, MAX_RUNNING, checked_alt
from tests.files.places import ON_FOLDER
from tests.files.test_cleanup import Parts, parts
from tests.files.test_media_processor import picture

__all__ = ["parts"]

FILE = "A" * 22


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def collected(some: AsyncIterator[Piece]) -> bytes:
    return b"".join([piece async for piece in some])


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


async def test_a_slow_upload_is_cut_off_and_a_fast_one_is_not() -> None:
    assert await collected(paced(pieces(b"a", b"b"), 1)) == b"ab"

    async def never() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    with pytest.raises(BadRequest):
        await collected(paced(never(), 1_000, window=0.01))


async def test_a_window_begins_after_enough_bytes() -> None:
    assert await collected(paced(pieces(*[b"x" * 10] * 100), 1, window=5)) == b"x" * 1_000


async def test_more_bytes_than_announced_are_refused(parts: Parts) -> None:
    ann = await parts.storage.user("ann")
    file = await parts.uploads.begin(ann, "a", 3)
    with pytest.raises(BadRequest):
        await parts.uploads.receive(file, 0, pieces(b"abcd"))
    assert await parts.uploads.offset(file) == 0


async def test_a_part_grows_at_its_end_only(parts: Parts) -> None:
    store = parts.store
    await store.uploads.create(FILE)
    assert await store.uploads.append(FILE, 0, pieces(b"abc"), limit=10) == 3
    for offset in (0, 4):
        with pytest.raises(WrongOffset):
            await store.uploads.append(FILE, offset, pieces(b"x"), limit=10)
    wrong = Checksum("sha1", b"wrong")
    with pytest.raises(WrongChecksum):
        await store.uploads.append(FILE, 3, pieces(b"def"), limit=10, checksum=wrong)
    assert await store.uploads.append(FILE, 3, pieces(b"d", b"ef"), limit=10) == 6
    assert await store.uploads.head(FILE, PART_SUFFIX, 4) == b"abcd"


@ON_FOLDER
async def test_a_folder_knows_no_file_that_was_not_begun(parts: Parts) -> None:
    with pytest.raises(NotFound):
        await parts.store.uploads.append("B" * 22, 0, pieces(b"x"), limit=1)
    with pytest.raises(NotFound):
        await parts.store.uploads.size("B" * 22)


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


async def test_one_writer_at_a_time(parts: Parts) -> None:
    await parts.store.uploads.create(FILE)

    async def again() -> AsyncIterator[bytes]:
        with pytest.raises(Locked):
            await parts.store.uploads.append(FILE, 0, pieces(b"x"), limit=9)
        with pytest.raises(Locked):
            await parts.store.uploads.seal(FILE, 0)
        yield b"y"

    assert await parts.store.uploads.append(FILE, 0, again(), limit=9) == 1


@ON_FOLDER
async def test_a_completion_that_is_cancelled_gives_its_lock_back(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = parts.store
    await store.uploads.create(FILE)
    loop, unlink = asyncio.get_running_loop(), Path.unlink

    def cancelling(path: Path, **options: bool) -> None:
        loop.call_soon_threadsafe(running.cancel)
        time.sleep(0.05)  # in a thread; the cancellation arrives in the meantime
        unlink(path, **options)

    async def complete() -> None:
        async with store.uploads.lock_completion(FILE):
            with pytest.raises(Locked):
                await store.uploads.lock_completion(FILE).__aenter__()
            monkeypatch.setattr(Path, "unlink", cancelling)

    running = asyncio.create_task(complete())
    with pytest.raises(asyncio.CancelledError):
        await running
    monkeypatch.undo()
    opened = [fd.readlink().name for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert not any(name.startswith(FILE) for name in opened)
    async with store.uploads.lock_completion(FILE):
        assert f"{FILE}.lock" in parts.on_disk()


async def test_nothing_can_be_appended_to_a_sealed_file(parts: Parts) -> None:
    store = parts.store
    await store.uploads.create(FILE)
    await store.uploads.append(FILE, 0, pieces(b"abc"), limit=10)
    with pytest.raises(WrongOffset):
        await store.uploads.seal(FILE, 10)
    for _repeated in range(2):
        assert await store.uploads.seal(FILE, 3) == SEALED_SUFFIX
        assert await store.uploads.size(FILE) is None
        with pytest.raises(Locked):
            await store.uploads.append(FILE, 3, pieces(b"d"), limit=10)
    for _repeated in range(2):
        await store.uploads.commit(FILE)
        assert await store.uploads.size(FILE) is None
    assert parts.on_disk() == [FILE]


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


async def test_a_full_disk_is_unavailable_and_frees_what_it_can(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await parts.store.uploads.create(FILE)

    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Unavailable, match="full"):
        await parts.store.uploads.append(FILE, 0, pieces(b"x"), limit=9)
    await parts.store.delete(FILE)
    assert parts.on_disk() == []


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


async def test_little_waits_for_more_and_large_pieces_are_written_as_they_come(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "WRITE_BYTES", 4)
    await parts.store.uploads.create(FILE)
    sizes = []

    async def watched() -> AsyncIterator[bytes]:
        for content in (b"abc", b"def", b"g", b"hijkl", b"m"):
            yield content
            sizes.append(await parts.store.uploads.size(FILE))

    await parts.store.uploads.append(FILE, 0, watched(), limit=100)
    assert sizes == [0, 6, 6, 12, 12]
    assert parts.store.uploads.path(FILE, PART_SUFFIX).read_bytes() == b"abcdefghijklm"


async def test_deleting_what_is_not_there_is_no_error(parts: Parts) -> None:
    await parts.store.delete(FILE)


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

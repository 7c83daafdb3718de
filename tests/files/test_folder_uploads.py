"""Areas where uploads arrive: one writer, sealed files, a full disk."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatserver.errors import NotFound, Unavailable
from chatserver.files import folder_uploads as folder_module
from chatserver.files.folder_names import PART_SUFFIX, SEALED_SUFFIX
from chatserver.files.part import Checksum, Locked, WrongChecksum, WrongOffset
from tests.files.places import ON_FOLDER
from tests.files.test_cleanup import Parts, parts
from tests.files.test_uploads import FILE, pieces

__all__ = ["parts"]


async def test_a_wrong_offset_or_checksum_is_refused(parts: Parts) -> None:
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


async def test_a_second_writer_is_refused_as_locked(parts: Parts) -> None:
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

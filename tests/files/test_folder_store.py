"""Files in a folder: what is left beside complete ones, deletion, and its threads."""

import asyncio
import threading
from pathlib import Path

import pytest
import pytest_asyncio

from chatserver.files import file_folder
from chatserver.files.folder_store import FolderStore
from chatserver.files.part import Locked
from tests.files.places import ON_FOLDER
from tests.files.test_cleanup import Parts, parts

__all__ = ["parts"]

FILE = "A" * 22


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> FolderStore:
    """A store with a complete file, as another node has it too."""
    store = FolderStore(tmp_path / "files")
    await store.uploads.create(FILE)
    await store.uploads.seal(FILE, 0)
    await store.uploads.commit(FILE)
    return store


async def none(_ids: list[str]) -> set[str]:
    return set()


@ON_FOLDER
async def test_a_sweep_removes_the_lock_of_a_completion_that_was_killed(parts: Parts) -> None:
    file_id = await parts.upload(await parts.storage.user("ann"))
    parts.store.uploads.path(file_id, ".lock").touch()
    await parts.cleanup.sweep()
    assert parts.on_disk() == [file_id]


async def test_the_lock_of_a_running_completion_stays(store: FolderStore, tmp_path: Path) -> None:
    there = FolderStore(tmp_path / "files")
    async with there.uploads.lock_completion(FILE):
        await store.tidy(none)
        with pytest.raises(Locked):
            await store.uploads.lock_completion(FILE).__aenter__()
    assert not store.uploads.path(FILE, ".lock").exists()


async def test_the_lock_of_an_upload_that_may_be_continued_stays(store: FolderStore) -> None:
    lock = store.uploads.path(FILE, ".lock")
    lock.touch()

    async def all_of(ids: list[str]) -> set[str]:
        return set(ids)

    await store.tidy(all_of)
    assert lock.exists()
    async with store.uploads.lock_completion(FILE):
        pass
    assert not lock.exists()


async def test_downloads_begin_while_uploads_wait_for_the_disk(store: FolderStore) -> None:
    released = threading.Event()
    threads = store._folder._threads
    hanging = [threads.start(released.wait) for _ in range(file_folder.THREADS)]
    try:
        async with asyncio.timeout(5):
            assert await store.require(FILE, size=0)
    finally:
        released.set()
        await asyncio.gather(*hanging)


async def test_deleting_what_is_not_there_is_no_error(parts: Parts) -> None:
    await parts.store.delete(FILE)

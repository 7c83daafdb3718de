"""The folder of files while its disk is not mounted: nothing is stored or deleted elsewhere."""

import asyncio
import logging
import time
from pathlib import Path

import pytest
import pytest_asyncio

from chatserver.errors import FilesUnavailable, NotFound
from chatserver.files.folder_store import FolderStore
from chatserver.files.marked_folder import MARKER
from chatserver.models import LOBBY, Delete
from tests.driver import Chat, User
from tests.storage.conftest import acting
from tests.storage.test_apply_files import sent

FILE, OTHER = "A" * 22, "B" * 22


async def test_the_first_uploads_may_begin_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exists_after_a_moment(path: Path) -> bool:
        found = exists(path)
        time.sleep(0.02)
        return found

    exists = Path.exists
    monkeypatch.setattr(Path, "exists", exists_after_a_moment)
    store = FolderStore(tmp_path / "files")
    await asyncio.gather(*(store.uploads.create(letter * 22) for letter in "ABCD"))
    assert (tmp_path / "files" / MARKER).is_file()


async def stored(store: FolderStore, file_id: str) -> None:
    await store.uploads.create(file_id)
    await store.uploads.seal(file_id, 0)
    await store.uploads.commit(file_id)


@pytest_asyncio.fixture
async def folder(tmp_path: Path) -> Path:
    """A folder with one file."""
    await stored(FolderStore(tmp_path / "files"), FILE)
    return tmp_path / "files"


@pytest.mark.parametrize("mount_point", ["missing", "empty"])
@pytest.mark.parametrize("restarted", [False, True])
async def test_nothing_is_stored_or_deleted_while_the_folder_is_absent(
    folder: Path, mount_point: str, restarted: bool
) -> None:
    store = FolderStore(folder)
    await store.prepare([FILE])
    away = folder.rename(folder.with_name("away"))
    if mount_point == "empty":
        folder.mkdir()
    if restarted:
        store = FolderStore(folder)
        await store.prepare([FILE])
    for attempt in (store.uploads.create(OTHER), store.delete(FILE), store.require(FILE)):
        with pytest.raises(FilesUnavailable):
            await attempt
    store._folder.marked.check()
    assert "is its disk mounted?" in store.failure
    if folder.exists():
        assert list(folder.iterdir()) == []
        folder.rmdir()
    away.rename(folder)
    store._folder.marked.check()
    assert store.failure == ""
    await stored(store, OTHER)
    await store.delete(FILE)
    with pytest.raises(NotFound):
        await store.require(FILE)


async def test_a_folder_of_an_earlier_version_is_marked(folder: Path) -> None:
    (folder / MARKER).unlink()
    await FolderStore(folder).prepare([OTHER, FILE])
    assert (folder / MARKER).exists()


async def test_an_operator_can_mark_the_folder_by_hand(folder: Path) -> None:
    store = FolderStore(folder)
    await store.prepare([OTHER])
    (folder / MARKER).unlink()
    with pytest.raises(FilesUnavailable):
        await store.uploads.create(OTHER)
    (folder / MARKER).touch()
    await store.uploads.create(OTHER)


async def test_a_folder_that_cannot_be_written_is_reported_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FolderStore(folder)
    away = folder.rename(folder.with_name("away"))
    folder.write_text("")  # also root cannot write into a file
    await store.prepare([FILE])
    for _ in range(3):
        store._folder.marked.check()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    folder.unlink()
    away.rename(folder)
    store._folder.marked.check()
    assert store.failure == ""


async def test_a_truncated_or_unreadable_file_is_not_sent(
    chat: Chat, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    content = {"data": b"text", "headers": {"Content-Type": "application/octet-stream"}}
    file_id = (await ann.ask("POST", "/api/files?name=a.txt", **content)).json["file"]["id"]
    (file,) = chat.server.folder.files_folder.glob("*/*/*")
    file.write_bytes(b"te")
    answer = await ann.ask("GET", f"/files/{file_id}/a.txt")
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert f"file {file_id} has 2 bytes instead of 4" in caplog.text
    file.unlink()
    file.mkdir()
    assert (await ann.ask("GET", f"/files/{file_id}/a.txt")).status == 503
    assert "Is a directory" in caplog.text


async def test_a_deleted_message_waits_for_the_folder(chat: Chat, ann: User) -> None:
    files = chat.server.files
    content = {"data": b"text", "headers": {"Content-Type": "application/octet-stream"}}
    file_id = (await ann.ask("POST", "/api/files?name=a.txt", **content)).json["file"]["id"]
    user = await chat.account("ann")
    await chat.server.log.store([sent(user, file_id)])
    folder = chat.server.folder.files_folder
    away = folder.rename(folder.with_name("away"))
    await chat.server.log.store([acting(user, Delete(1), room=LOBBY)])
    await files.cleanup.delete_due()
    store = files.store
    assert isinstance(store, FolderStore)
    store._folder.marked.check()
    answer = await ann.ask("POST", "/api/files?name=a.txt", **content)
    assert (answer.status, answer.json["code"]) == (503, "unavailable")
    assert "files" in (await ann.ask("GET", "/readyz")).json
    metrics = await ann.ask("GET", "/metrics")
    assert metrics.status == 404 or "chatserver_files_up 0" in metrics.text
    away.rename(folder)
    store._folder.marked.check()
    await files.cleanup.delete_due()
    assert list(folder.glob("*/*/*")) == []

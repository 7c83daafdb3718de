"""Files of a running SQLite database that are removed or replaced: nothing more is acknowledged."""

from pathlib import Path

import pytest

from chatserver.errors import Unavailable
from chatserver.storage.open_files import OpenFiles
from chatserver.storage.readers import Share
from tests.driver import Chat, User, ask


@pytest.fixture
def files(tmp_path: Path) -> Path:
    database = tmp_path / "chat.db"
    for name in ("chat.db", "chat.db-wal"):
        (tmp_path / name).write_bytes(b"")
    return database


@pytest.mark.parametrize("name", ["chat.db", "chat.db-wal"])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_removed_or_replaced_file_is_reported_until_it_is_back(
    files: Path, name: str, *, replaced: bool
) -> None:
    opened = OpenFiles(files)
    opened.require_unchanged()
    file = files.with_name(name)
    away = file.rename(file.with_suffix(".away"))
    if replaced:
        file.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(Unavailable) as refused:
            opened.require_unchanged()
        assert "removed or replaced" in refused.value.reason
    away.rename(file)
    opened.require_unchanged()


def test_a_new_wal_is_accepted_but_no_new_database(files: Path) -> None:
    opened = OpenFiles(files)
    opened.require_unchanged()
    wal = files.with_name("chat.db-wal")
    for file in (wal, files):
        file.rename(file.with_suffix(".away"))
        file.write_bytes(b"")
        opened.reopened()
        if file == wal:
            opened.require_unchanged()
    with pytest.raises(Unavailable):
        opened.require_unchanged()


def test_a_file_missing_at_the_start_is_reported(files: Path) -> None:
    files.unlink()
    with pytest.raises(Unavailable):
        OpenFiles(files).require_unchanged()


def test_a_database_server_has_no_local_files() -> None:
    OpenFiles(None).require_unchanged()


@pytest.mark.parametrize("name", ["chat.db", "chat.db-wal"])
async def test_no_message_is_acknowledged_after_the_database_was_removed(
    chat: Chat, ann: User, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    path = chat.server.database.path
    assert path is not None
    device = await ann.connect()
    await device.say("stored")
    file = path.with_name(name)
    away = file.rename(file.with_suffix(".away"))
    for _ in range(2):
        ready = await ask(chat.browser(), "GET", f"{chat.url}/readyz")
        assert ready.status == 503
        assert "removed or replaced" in ready.text
        assert (await device.say("lost otherwise"))["code"] == "unavailable"
    assert caplog.text.count("messages cannot be stored") == 1
    away.rename(file)
    await device.say("stored again")
    await device.close()


@pytest.mark.parametrize("content", [b"", b"garbage" * 10_000], ids=["emptied", "overwritten"])
async def test_nothing_is_stored_after_damage_was_found(
    chat: Chat, ann: User, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path, database = chat.server.database.path, chat.server.database
    assert path is not None
    device = await ann.connect()
    path.write_bytes(content)
    with pytest.raises(Unavailable):
        async with database.reading(Share.COPIES) as connection:  # which has nothing in its cache
            await connection.exec_driver_sql("SELECT COUNT(*) FROM events")
    for _ in range(2):
        assert (await device.say("lost otherwise"))["code"] == "unavailable"
        ready = await ask(chat.browser(), "GET", f"{chat.url}/readyz")
        assert (ready.status, ready.json["reason"]) == (503, "the database is damaged")
    assert caplog.text.count("messages cannot be stored") == 1
    await device.close()

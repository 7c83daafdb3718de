"""Durability counter: databases that it rejects and accepts."""

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chatserver.config import Settings
from chatserver.errors import StartError, TemporaryStartError
from chatserver.storage.durability_counter import PAGE, DurabilityCounter
from tests.driver import Chat


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "chat.db"
    path.write_bytes(b"SQLite format 3".ljust(2 * PAGE, b"\0"))
    return path


def counted(database: Path, *, epoch: str, events: int) -> None:
    tally = DurabilityCounter(database)
    tally.refuse_empty()
    tally.begin(epoch, 0)
    tally.add(events)
    tally.close()


def test_a_database_with_all_acknowledged_events_is_accepted(database: Path) -> None:
    counted(database, epoch="one", events=7)
    for stored in (7, 9):
        tally = DurabilityCounter(database)
        tally.begin("one", stored)
        tally.close()


def test_two_processes_cannot_count_for_one_file(database: Path) -> None:
    first, second = DurabilityCounter(database), DurabilityCounter(database)
    first.begin("epoch", 3)
    with pytest.raises(TemporaryStartError, match=r"Another server has .* open"):
        second.begin("epoch", 3)
    first.add(1)
    assert database.with_name("chat.db-tally").read_text() == "4 epoch\n"
    first.close()
    second.begin("epoch", 4)
    second.close()


def test_a_database_with_missing_events_is_rejected_with_instructions(database: Path) -> None:
    counted(database, epoch="one", events=7)
    with pytest.raises(
        StartError, match=r"^2 stored events are missing.*delete .*chat\.db-tally\.$"
    ):
        DurabilityCounter(database).begin("one", 5)


def test_a_restored_database_starts_a_new_count(database: Path) -> None:
    counted(database, epoch="one", events=7)
    counted(database, epoch="two", events=3)
    with pytest.raises(StartError, match=r"^3 stored"):
        DurabilityCounter(database).begin("two", 0)


@pytest.mark.parametrize("left", [None, b"", bytes(PAGE)], ids=["gone", "empty", "no table"])
def test_a_missing_database_is_not_treated_as_a_new_one(database: Path, left: bytes | None) -> None:
    counted(database, epoch="one", events=7)
    database.unlink() if left is None else database.write_bytes(left)
    with pytest.raises(StartError, match=r"^7 stored"):
        DurabilityCounter(database).refuse_empty()


def test_a_database_whose_tables_are_in_the_wal_is_accepted(database: Path) -> None:
    counted(database, epoch="one", events=7)
    database.write_bytes(bytes(PAGE))
    database.with_name("chat.db-wal").write_bytes(b"frames")
    DurabilityCounter(database).refuse_empty()


async def test_the_database_has_the_epoch_without_its_wal_from_the_first_start(
    tmp_path: Path,
) -> None:
    """Otherwise a chat that was killed and lost its WAL would look like a new one."""
    data = tmp_path / "data"
    chat = await Chat.start(Settings(data=data))
    shutil.copyfile(data / "chat.db", tmp_path / "chat.db")
    with closing(sqlite3.connect(tmp_path / "chat.db")) as copy:
        found = copy.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchall()
    assert found == [(chat.server.history.epoch,)]
    await chat.stop()


def test_a_new_chat_starts_with_an_empty_database(tmp_path: Path) -> None:
    counted(tmp_path / "chat.db", epoch="one", events=0)
    DurabilityCounter(tmp_path / "chat.db").refuse_empty()


@pytest.mark.parametrize("torn", [b"", b"12", b"\0\0\0\0", b"x y", b"\xff\xfe 1"])
def test_a_damaged_counter_is_ignored(database: Path, torn: bytes) -> None:
    counted(database, epoch="one", events=7)
    database.with_name("chat.db-tally").write_bytes(torn)
    DurabilityCounter(database).refuse_empty()
    DurabilityCounter(database).begin("one", 0)


def test_only_the_owner_can_read_the_counter(database: Path) -> None:
    counted(database, epoch="one", events=7)
    assert database.with_name("chat.db-tally").stat().st_mode & 0o777 == 0o600


def test_mysql_has_no_counter(tmp_path: Path) -> None:
    tally = DurabilityCounter(None)
    tally.refuse_empty()
    tally.begin("one", 0)
    tally.add(7)
    tally.close()
    assert not list(tmp_path.iterdir())


def test_a_counter_that_cannot_be_written_rejects_no_event(
    database: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    tally = DurabilityCounter(database)
    tally.begin("one", 0)
    monkeypatch.setattr(os, "pwrite", full)
    tally.add(3)
    monkeypatch.undo()
    assert "count of stored events: No space left" in caplog.text
    tally.add(1)
    tally.close()
    with pytest.raises(StartError, match=r"^4 stored"):
        DurabilityCounter(database).begin("one", 0)

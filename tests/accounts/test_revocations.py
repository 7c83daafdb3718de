"""Session ends that wait for the database, in memory and in their file."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from chatserver.accounts import revocations
from chatserver.accounts.revocations import FILE_SIZE, RevocationFile, Revocations
from chatserver.bus.messages import SessionEnd
from chatserver.errors import CloseCode, StartError, Unavailable


class Database:
    """Fake database that stores session ends while it is available."""

    def __init__(self) -> None:
        self.is_there = False
        self.ended: list[str] = []

    async def store(self, session_id: str) -> None:
        if not self.is_there:
            raise Unavailable
        self.ended.append(session_id)


class Others:
    """Fake hub that records notifications of other nodes."""

    def __init__(self) -> None:
        self.on_session_ended: Callable[[SessionEnd], object] = str
        self.notified: list[str] = []

    def close_session_connections(self, session_id: str, *, pending: bool = False) -> None:
        assert pending
        self.notified.append(session_id)

    def close_user_connections(self, user_id: int, code: CloseCode) -> None: ...


def started(path: Path, database: Database, others: Others | None = None) -> Revocations:
    made = Revocations(database.store, path, others or Others())
    made.load()
    return made


async def test_pending_ends_are_read_at_the_next_start(tmp_path: Path) -> None:
    path, database = tmp_path / "revocations", Database()
    first = started(path, database)
    assert not await first.end("one")
    for _ in range(2):
        first.note_ended(SessionEnd(4101, session="two", pending=True))
    first.note_ended(SessionEnd(4101, session="three"))
    second = started(path, database)
    assert [name for name in ("one", "two", "three") if name in second] == ["one", "two"]
    database.is_there = True
    await second.flush()
    assert database.ended == ["one", "two"]
    assert RevocationFile(path).read() == []


async def test_an_end_that_was_stored_immediately_is_not_in_the_file(tmp_path: Path) -> None:
    path, database = tmp_path / "revocations", Database()
    database.is_there = True
    assert await started(path, database).end("one")
    assert RevocationFile(path).read() == []


async def test_other_nodes_are_notified_until_the_end_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "RETRY_DELAY", 0)
    monkeypatch.setattr(revocations, "RETRIES", 2)
    database, others = Database(), Others()
    made = started(tmp_path / "revocations", database, others)
    await made.end("one")
    task = asyncio.create_task(made.run())
    while len(others.notified) < 3:
        await asyncio.sleep(0)
    database.is_there = True
    while "one" in made:
        await asyncio.sleep(0)
    task.cancel()
    assert database.ended == ["one"]


def test_the_file_is_preallocated(tmp_path: Path) -> None:
    path = tmp_path / "revocations"
    file = RevocationFile(path)
    file.read()
    assert path.stat().st_size == FILE_SIZE
    assert path.stat().st_blocks * 512 >= FILE_SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    for number in range(revocations.MAX_PENDING):
        file.add(f"session-{number:014}")
    assert path.stat().st_size == FILE_SIZE
    with pytest.raises(OSError, match="full"):
        file.add("x" * FILE_SIZE)
    file.clear()
    assert RevocationFile(path).read() == []


@pytest.mark.parametrize(
    ("content", "kept"),
    [(b"", []), (b"one\ntw", ["one"]), (b"one\n\0two\n", ["one"]), (b"\xff\n", ["\ufffd"])],
)
def test_the_file_is_readable_after_a_power_cut(
    tmp_path: Path, content: bytes, kept: list[str]
) -> None:
    path = tmp_path / "revocations"
    path.write_bytes(content)
    file = RevocationFile(path)
    assert file.read() == kept
    file.add("three")
    assert RevocationFile(path).read() == [*kept, "three"]


def test_a_file_that_cannot_be_written_prevents_the_start(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "revocations").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="cannot be written"):
        RevocationFile(tmp_path / "revocations").read()


async def test_a_failing_file_loses_no_end_while_the_server_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Revocations(Database().store, tmp_path / "none" / "revocations", Others())
    assert not await made.end("one")
    assert "one" in made
    assert "would be lost by a restart" in caplog.text

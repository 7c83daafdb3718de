"""Archives and their damage, restore, nightly retention, and the commands."""

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

import chatserver.nightly
from chatserver.commands.serve import running
from chatserver.config import DatabaseSettings, Settings
from chatserver.data_dir import DataDir
from chatserver.errors import ChatServerError, StartError, Unavailable
from chatserver.nightly import Nightly, night_start
from chatserver.restore import restore
from chatserver.storage.archive_file import VERSION, Damaged, Manifest, read
from chatserver.storage.archive_io import NotEmpty
from chatserver.storage.archive_writer import (
    ArchiveReceiver,
    PackedWriter,
    PlainWriter,
    Writer,
    new_file,
)
from chatserver.storage.engine import Database
from chatserver.storage.migrate import HEAD, migrate
from chatserver.storage.nightly_runs import recorded
from chatserver.storage.users import NewUser, Users
from tests.rig.mariadb import PrivateMariaDB

REPOSITORY = Path(__file__).parent.parent
LOBBY = {"id": 1, "kind": "group", "name": "lobby", "title": "Lobby", "topic": "",
         "private": False, "head": 0, "members": 1, "created_at": 1}  # fmt: skip
ANN = {"id": 1, "name": "ann", "name_key": "ann", "display": "Ann", "password_hash": "hash",
       "role": "admin", "locale": "", "created_at": 1}  # fmt: skip
MEMBER = {"room_id": 1, "user_id": 1, "role": "member", "joined_at": 1, "joined_seq": 0,
          "read_seq": 0, "muted": False}  # fmt: skip
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("meta", {"key": "epoch", "value": "old"}),
    ("users", ANN),
    ("rooms", LOBBY),
    ("members", MEMBER),
]
FORMS: list[type[Writer]] = [PackedWriter, PlainWriter]


def written(file: Path, form: type[Writer], revision: str = HEAD) -> Path:
    """Write an archive with one user in the lobby."""
    counts = {name: 1 for name, _ in ROWS}
    manifest = Manifest(revision=revision, epoch="old", made_at=1, rows=counts)
    with file.open("wb") as opened:
        writer = form(opened, manifest)
        for name, row in ROWS:
            writer.write(json.dumps({"table": name, **row}).encode() + b"\n")
        writer.finish()
    return file


def ignore_progress(_rows: int) -> None: ...


# Files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_is_read_as_it_was_written(tmp_path: Path, form: type[Writer]) -> None:
    archive = read(written(tmp_path / "a", form))
    assert list(archive.rows()) == ROWS
    assert (archive.manifest.total, archive.manifest.epoch) == (4, "old")


@pytest.mark.parametrize("form", FORMS)
def test_every_changed_byte_is_detected_or_has_no_effect(
    tmp_path: Path, form: type[Writer]
) -> None:
    file = written(tmp_path / "a", form)
    whole, noticed = file.read_bytes(), 0
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x11]) + whole[place + 1 :])
        try:
            assert list(read(file).rows()) == ROWS
        except Damaged:
            noticed += 1
    assert noticed > len(whole) / 2  # a zip has times and attributes that are not read
    assert form is PackedWriter or noticed == len(whole)


@pytest.mark.parametrize("form", FORMS)
def test_every_truncation_is_detected(tmp_path: Path, form: type[Writer]) -> None:
    file = written(tmp_path / "a", form)
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(Damaged):
            read(file)


def test_an_added_row_is_detected(tmp_path: Path) -> None:
    file = written(tmp_path / "a", PackedWriter)
    with ZipFile(file) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    members["users.jsonl"] += members["users.jsonl"]
    with ZipFile(file, "w", ZIP_DEFLATED) as packed:
        for name, text in members.items():
            packed.writestr(name, text)
    with pytest.raises(Damaged, match=r"users\.jsonl is not what was saved"):
        read(file)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", "damaged"),
        (b"Dear Ann,\n", "not an archive"),
        (b'{"table":"archive","version":2}\n', "not an archive"),
        (
            b'{"table":"archive","version":2,"revision":"","epoch":"","made_at":1,"rows":{}}\n',
            "damaged",
        ),
    ],
)
def test_a_file_that_is_not_an_archive_is_rejected(tmp_path: Path, text: bytes, error: str) -> None:
    file = tmp_path / "letter"
    file.write_bytes(text)
    with pytest.raises(Damaged, match=error):
        read(file)


def test_an_archive_of_a_newer_format_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "a"
    manifest = Manifest(version=VERSION + 1, revision=HEAD, epoch="", made_at=1, rows={})
    with file.open("wb") as opened:
        PlainWriter(opened, manifest).finish()
    with pytest.raises(Damaged, match="newer program"):
        read(file)


@pytest.mark.parametrize("lost", [1, 2, 100])
def test_an_interrupted_copy_is_rejected(tmp_path: Path, lost: int) -> None:
    lines = written(tmp_path / "a", PlainWriter).read_bytes().splitlines(keepends=True)
    with (tmp_path / "b").open("wb") as opened, closing(begun(opened)) as intake:
        for text in lines[:-lost]:
            intake.feed(text)
        with pytest.raises(Damaged, match="was interrupted"):
            intake.finish()


def begun(opened: Any) -> ArchiveReceiver:
    return ArchiveReceiver(lambda manifest: PackedWriter(opened, manifest))


def test_a_file_is_created_atomically_and_private(tmp_path: Path) -> None:
    target = tmp_path / "new"
    before = os.umask(0)
    try:
        with new_file(target, force=False) as opened:
            opened.write(b"whole")
            assert not target.exists()
    finally:
        os.umask(before)
    assert target.read_bytes() == b"whole"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


WRITER = """
import sys
from pathlib import Path
from chatserver.storage.archive_writer import new_file
with new_file(Path(sys.argv[1]), force=True) as opened:
    opened.write(b"half")
    opened.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_files_of_a_killed_process_are_removed_and_files_in_use_are_not(
    tmp_path: Path,
) -> None:
    killed, busy = (
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / name)],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("yesterday.zip", "meanwhile.zip")
    )
    try:
        for process in (killed, busy):
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
        killed.kill()
        killed.communicate()
        with new_file(tmp_path / "today.zip", force=False) as opened:
            opened.write(b"whole")
        assert len(list(tmp_path.glob(".yesterday*"))) == 0
        assert len(list(tmp_path.glob(".meanwhile*"))) == 1
    finally:
        killed.kill()
        busy.communicate()
    assert {file.name for file in tmp_path.iterdir()} == {"today.zip", "meanwhile.zip"}


async def test_a_start_removes_files_of_a_killed_restore_or_copy(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path / "data")
    await put(settings, written(tmp_path / "a", PackedWriter))
    backups = settings.data / "backups"
    backups.mkdir(exist_ok=True)
    left = [settings.data / f"chat.db.new{ending}" for ending in ("", "-wal", "-shm")]
    left.append(backups / ".0003.db.7.chatserver-partial")
    for file in left:
        file.write_bytes(b"half")
    async with running(settings):
        pass
    assert [file for file in left if file.exists()] == []
    assert await names(settings) == {"ann"}


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "new"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), new_file(target, force=True) as opened:
        opened.write(b"x" * (1 // len(target.read_text()[3:])))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "new"
    target.write_text("old")
    with pytest.raises(ChatServerError, match="--force"), new_file(target, force=False):
        raise AssertionError
    with pytest.raises(ChatServerError, match="--force"):
        raced(tmp_path / "raced")
    assert target.read_text() == "old"
    with new_file(target, force=True) as opened:
        opened.write(b"new")
    assert target.read_text() == "new"
    nowhere = new_file(tmp_path / "no" / "folder", force=False)
    with pytest.raises(ChatServerError, match="cannot be written"), nowhere:
        raise AssertionError


def raced(target: Path) -> None:
    """Create the file concurrently."""
    with new_file(target, force=False):
        target.write_text("theirs")


# Restore -----------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(data=tmp_path / "data", database=DatabaseSettings(url=database_url))


async def names(settings: Settings) -> set[str]:
    database = Database(settings.database_url)
    found = {user.name for user in await Users(database, clock=lambda: 1).all()}
    await database.close()
    return found


async def put(settings: Settings, file: Path, *, replace: bool = False) -> None:
    await restore(settings, read(file), replace=replace, progress=ignore_progress)


async def add(settings: Settings, name: str) -> None:
    database = Database(settings.database_url)
    await Users(database, clock=lambda: 1).add(NewUser(name, name, "hash"))
    await database.close()


@pytest.mark.parametrize("form", FORMS)
async def test_an_archive_is_restored_into_an_empty_database(
    settings: Settings, tmp_path: Path, form: type[Writer]
) -> None:
    await put(settings, written(tmp_path / "a", form))
    path = Database(settings.database_url).path
    if path is not None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert {f.name for f in path.parent.iterdir() if f.name.startswith("chat")} == {"chat.db"}
    assert await names(settings) == {"ann"}


async def test_users_are_replaced_only_on_request(settings: Settings, tmp_path: Path) -> None:
    file = written(tmp_path / "a", PackedWriter)
    await put(settings, file)
    await add(settings, "bo")
    with pytest.raises(NotEmpty):
        await put(settings, file)
    assert await names(settings) == {"ann", "bo"}
    await put(settings, file, replace=True)
    assert await names(settings) == {"ann"}
    kept = settings.data / "backups" / "replaced.db"
    if settings.database_url.startswith("sqlite"):
        with closing(sqlite3.connect(kept)) as database:
            found = database.execute("SELECT name FROM users ORDER BY name").fetchall()
        assert found == [("ann",), ("bo",)]
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_a_failed_restore_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    file = written(tmp_path / "a", PlainWriter)
    await put(settings, file)
    await add(settings, "bo")
    archive = read(file)
    file.write_bytes(file.read_bytes().replace(b'"user_id": 1', b'"user_id": 7'))
    with pytest.raises(Damaged):
        await restore(settings, archive, replace=True, progress=ignore_progress)
    assert await names(settings) == {"ann", "bo"}
    assert not list(tmp_path.rglob("*.new*"))
    folder = DataDir(settings.data)
    folder.lock()  # it is not locked any more
    folder.unlock()


async def test_an_archive_of_a_newer_version_is_rejected(
    settings: Settings, tmp_path: Path
) -> None:
    file = written(tmp_path / "a", PackedWriter, revision="9999")
    with pytest.raises(ChatServerError, match=f"9999.*{HEAD}"):
        await put(settings, file)
    assert not settings.data.exists()


async def test_a_restore_is_rejected_while_a_server_runs(
    settings: Settings, tmp_path: Path
) -> None:
    folder = DataDir(settings.data)
    folder.lock()
    with pytest.raises(StartError, match="in use by a running server"):
        await put(settings, written(tmp_path / "a", PackedWriter), replace=True)
    folder.unlock()


async def test_a_restore_is_rejected_while_another_node_is_connected(
    mariadb: PrivateMariaDB, tmp_path: Path
) -> None:
    url = mariadb.create_database("company")
    settings = Settings(data=tmp_path / "data", database=DatabaseSettings(url=url))
    file = written(tmp_path / "a", PackedWriter)
    await put(settings, file)
    other = Database(url)
    async with other.reading():
        with pytest.raises(ChatServerError, match="Stop every node"):
            await put(settings, file, replace=True)
    await other.close()
    await put(settings, file, replace=True)


async def test_a_restore_is_rejected_while_another_program_uses_the_database(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path / "data")
    file = written(tmp_path / "a", PackedWriter)
    await put(settings, file)
    with closing(sqlite3.connect(settings.data / "chat.db")) as other:
        other.execute("BEGIN").execute("SELECT count(*) FROM users")
        await add(settings, "bo")
        with pytest.raises(ChatServerError, match="Another program has"):
            await put(settings, file, replace=True)
    assert await names(settings) == {"ann", "bo"}


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"x" * 100 + whole[100:],
        lambda whole: whole[:4096] + bytes(len(whole) - 4096),
        lambda _: b"a letter" * 1000,
    ],
)
async def test_a_restore_replaces_a_damaged_database_and_keeps_it(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    settings = Settings(data=tmp_path / "data")
    file = written(tmp_path / "a", PackedWriter)
    await put(settings, file)
    path = settings.data / "chat.db"
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    path.with_name("chat.db-wal").write_bytes(b"old")
    with pytest.raises(ChatServerError):
        await put(settings, file)
    assert path.read_bytes() == damaged
    await put(settings, file, replace=True)
    assert await names(settings) == {"ann"}
    assert (settings.data / "backups" / "replaced.db").exists()


async def test_a_restore_reports_a_full_disk(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    file = written(tmp_path / "a", PackedWriter)
    await put(settings, file)
    path = settings.data / "chat.db"
    with closing(sqlite3.connect(path)) as killed:
        killed.execute("PRAGMA wal_autocheckpoint = 0")
        killed.execute("CREATE TABLE more AS SELECT zeroblob(200000)")
        shutil.copytree(settings.data, tmp_path / "copy")
    shutil.copytree(tmp_path / "copy", settings.data, dirs_exist_ok=True)
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        with pytest.raises(Unavailable) as refused:
            await put(settings, file, replace=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "the disk is full" in (refused.value.reason or "")
    assert refused.value.may_pass
    await put(settings, file, replace=True)


# Nights ------------------------------------------------------------------------------------------


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


HOUR = 3_600_000
THREE = 1_700_000_000_000 // (24 * HOUR) * 24 * HOUR - 5 * HOUR  # three in the morning over there


@pytest.mark.usefixtures("in_shanghai")
@pytest.mark.parametrize(
    ("now", "start"),
    [(THREE, THREE), (THREE - 1, THREE - 24 * HOUR), (THREE + 23 * HOUR, THREE)],
)
def test_a_nightly_run_is_due_at_three(now: int, start: int) -> None:
    assert night_start(now) == start


@pytest.mark.usefixtures("in_shanghai")
def forgotten() -> None:
    """Ignore the notification about deleted texts."""


class Clocks:
    """Wall clock of a server, in hours since THREE, and a monotonic clock."""

    def __init__(self) -> None:
        self.hours = 0.0
        self.ahead = 0.0  # hours by which the wall clock is ahead

    def now(self) -> int:
        return round(THREE + (self.hours + self.ahead) * HOUR)

    def __call__(self) -> float:
        return self.hours * 3_600


@pytest.fixture
async def database(settings: Settings, tmp_path: Path) -> AsyncIterator[Database]:
    await put(settings, written(tmp_path / "a", PackedWriter))
    database = Database(settings.database_url)
    yield database
    await database.close()


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record the hour since THREE up to which each night deleted."""
    done: list[int] = []

    async def work(self: Nightly, trusted_until: int) -> None:
        done.append((trusted_until - THREE) // HOUR)

    monkeypatch.setattr(Nightly, "_work", work)
    return done


@pytest.fixture
def agreeing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of the database agree with that of the test."""

    async def none(*_: object) -> int:
        return 0

    monkeypatch.setattr(chatserver.nightly, "clock_difference", none)


def nightly(database: Database, clocks: Clocks) -> Nightly:
    return Nightly(database, forgotten, now=clocks.now, clock=clocks)


@pytest.mark.usefixtures("in_shanghai", "agreeing")
async def test_retention_runs_once_a_night(database: Database, done: list[int]) -> None:
    clocks = Clocks()
    nodes = [nightly(database, clocks) for _ in range(2)]
    for step in (1, 5, 18, 1, 23, 2, 22):
        clocks.hours += step
        await asyncio.gather(*[node.run_if_due() for node in nodes])
    assert done == [48, 72]


async def test_a_clock_behind_the_newest_message_is_not_trusted(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks()
    node = nightly(database, clocks)

    async def later(_database: Database) -> int:
        return clocks.now() + HOUR

    monkeypatch.setattr(chatserver.nightly, "newest_event", later)
    await node.note_newest()
    assert not node.trusts_clock
    assert "the newest message is from the future" in caplog.text


@pytest.mark.usefixtures("in_shanghai", "agreeing")
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_clock_a_year_ahead_starts_no_nightly_run(
    database: Database, done: list[int], caplog: pytest.LogCaptureFixture, restarted: bool
) -> None:
    clocks = Clocks()
    node = nightly(database, clocks)
    for _ in range(3):
        clocks.hours += 24
        await node.run_if_due()
    done.clear()
    clocks.ahead = 365 * 24
    for _ in range(2):
        node = nightly(database, clocks) if restarted else node
        node._newest = 0
        clocks.hours += 24
        await node.run_if_due()
    assert done == []
    assert "until the clock is trusted" in caplog.text
    clocks.ahead = 0
    for _ in range(4):
        clocks.hours += 24
        await node.run_if_due()
    assert done
    assert max(done) <= clocks.hours


async def test_a_clock_that_the_database_contradicts_starts_no_nightly_run(
    mariadb: PrivateMariaDB, tmp_path: Path, done: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(mariadb.create_database("contradicts"))
    await migrate(database, backups=tmp_path)
    clocks = Clocks()
    clocks.ahead = (time.time() * 1000 - THREE) / HOUR + 365 * 24
    node = nightly(database, clocks)
    for _ in range(5):
        clocks.hours += 24
        await node.run_if_due()
    assert (await recorded(database)).began is None
    assert caplog.text.count("of the database differ") == 1
    await database.close()


async def test_a_failed_nightly_run_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    await nightly(database, Clocks()).run_if_due()
    await database.close()
    assert "the nightly work failed" in caplog.text


# Commands ----------------------------------------------------------------------------------------


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, migrated: Path) -> Run:
    """Return a function that runs commands in an own folder, without a running server."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copyfile(migrated, data / "chat.db")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("CHATSERVER")}

    def command(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "chatserver", "--data", str(data), *arguments],
            cwd=tmp_path,
            env=environ | {"PYTHONPATH": str(REPOSITORY)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert command("user", "add", "ann", "--password-stdin", stdin="purple stone\n").returncode == 0
    return command


@pytest.mark.parametrize("name", ["chat.db", "chat.db-wal", "chat.db-tally", "keys.json", "lock"])
@pytest.mark.parametrize("command", ["backup", "export"])
def test_a_copy_never_replaces_a_file_of_the_chat(
    run: Run, tmp_path: Path, command: str, name: str
) -> None:
    before = (tmp_path / "data" / "chat.db").read_bytes()
    done = run(command, str(tmp_path / "data" / name), "--force")
    assert done.returncode == 2
    assert "belongs to the chat" in done.stderr
    assert (tmp_path / "data" / "chat.db").read_bytes() == before


def test_a_backup_can_have_a_name_like_the_database(run: Run, tmp_path: Path) -> None:
    assert run("backup", str(tmp_path / "data" / "chat.db.zip")).returncode == 0


def test_a_copy_replaces_only_a_regular_file(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = run("backup", "pipe", "--force")
    assert (done.returncode, done.stderr) == (2, "Error: pipe is not a regular file.\n")
    assert (tmp_path / "pipe").is_fifo()


def test_a_backup_works_with_a_clock_before_1980(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(time, "localtime", lambda _seconds=0: time.gmtime(0))
    assert ZipFile(written(tmp_path / "b.zip", PackedWriter)).testzip() is None


def test_backup_restore_and_check_work_without_a_server(run: Run, tmp_path: Path) -> None:
    done = run("backup", "b.zip")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Saved 1 user, 1 room, 0 events in b.zip.\n"
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600
    assert "b.zip exists already" in run("backup", "b.zip").stderr
    assert run("backup", "b.zip", "--force").returncode == 0
    assert run("check").stdout == "No findings in 1 room, 0 events.\n"

    done = run("restore", "b.zip")
    assert done.returncode == 2
    assert done.stderr == ("Error: The database has users already: nothing was changed.\n")
    assert run("restore", "b.zip", "--replace", stdin="yes\n").returncode == 1
    done = run("restore", "b.zip", "--replace", stdin="replace\n")
    assert (done.returncode, done.stdout) == (0, "Imported 1 user, 1 room, 0 events.\n")
    assert run("restore", "b.zip", "--replace", "--yes").returncode == 0
    assert "ann" in run("user", "list").stdout


def test_an_export_can_be_imported_into_another_database(run: Run, tmp_path: Path) -> None:
    done = run("export", "-")
    tables = [json.loads(line)["table"] for line in done.stdout.splitlines()]
    assert (tables[0], tables[-1], tables.count("users")) == ("archive", "end", 1)
    (tmp_path / "all.jsonl").write_text(done.stdout)
    there = f"sqlite:///{tmp_path / 'there.db'}"
    assert run("--database", there, "import", "all.jsonl").returncode == 0
    again = run("--database", there, "export", "-").stdout.splitlines()
    assert again[2:-1] == done.stdout.splitlines()[2:-1]  # the first row is the epoch


def test_a_damaged_backup_is_an_error(run: Run, tmp_path: Path) -> None:
    run("backup", "b.zip")
    whole = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(whole[:-10])
    before = (tmp_path / "data" / "chat.db").read_bytes()
    done = run("restore", "b.zip", "--replace", "--yes")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "data" / "chat.db").read_bytes() == before


def test_the_check_prints_all_findings_and_fails(run: Run, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "data" / "chat.db")) as database:
        database.execute("UPDATE rooms SET head = 5, members = 3")
        database.commit()
    done = run("check")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "Room 1: head is 5, but its log ends at 0.\nRoom 1: counts 3 members, but has 1.\n"
    )

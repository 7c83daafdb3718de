"""Migrations: new databases, upgrades, concurrency and interruptions."""

import asyncio
import gc
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from chatserver.errors import Conflict, StartError
from chatserver.resources import resource_dir
from chatserver.storage.display_names import backfill_display_keys
from chatserver.storage.engine import Database
from chatserver.storage.integrity import check
from chatserver.storage.migrate import HEAD, migrate, revision
from chatserver.storage.search import Search
from chatserver.storage.search_backlog import SearchBacklog
from chatserver.storage.search_index import Entry, index, search, words
from chatserver.storage.tables import events, files, meta, metadata
from chatserver.storage.text_erasure import erase_texts
from chatserver.storage.unique_names import backfill_names
from chatserver.text.search_query import parse
from tests.storage.conftest import Storage, arrive


def test_head_is_the_newest_revision() -> None:
    files = sorted(resource_dir("migrations").glob("versions/[0-9]*_*.py"))
    assert files[-1].name.split("_")[0] == HEAD


async def test_an_empty_database_is_migrated_to_the_newest_revision_once(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url)
    assert await revision(database) is None
    assert (await migrate(database, backups=tmp_path))[-1] == HEAD
    assert await migrate(database, backups=tmp_path) == []
    assert await revision(database) == HEAD
    await database.close()


async def test_the_migrations_create_the_defined_tables(storage: Storage) -> None:
    assert await storage.database.run_on_writer(differences) == []


def differences(connection: Connection) -> list[object]:
    """Return the differences between the database and the table definitions."""

    def known(name: str | None, _kind: str, _parent: object) -> bool:
        return not (name or "").startswith("search")  # the index differs between the databases

    context = MigrationContext.configure(connection, opts={"include_name": known})
    return list(compare_metadata(context, metadata))


OLDER = [file.name[:4] for file in sorted(resource_dir("migrations").glob("versions/0*.py"))][:-1]


@pytest.mark.parametrize("older", OLDER)
async def test_messages_of_an_older_revision_are_kept_and_found(
    database_url: str, tmp_path: Path, older: str
) -> None:
    storage = Storage(database_url)
    await storage.database.transaction(lambda c: upgrade(c, older))
    await storage.database.transaction(arrive)
    await storage.database.transaction(lambda c: talk(c, 1, older))
    if older >= "0007":  # the first one with skeletons
        await storage.database.transaction(backfill_names)
    if older >= "0011":  # the last one that makes keys of display names
        await storage.database.transaction(backfill_display_keys)
    assert (await migrate(storage.database, backups=tmp_path / "backups"))[-1] == HEAD
    assert await storage.database.run_on_writer(differences) == []
    with pytest.raises(Conflict):
        await storage.user("аnn")  # with a Cyrillic letter
    async with storage.database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT display_key FROM users")) == "ann"
    found = await Search(storage.database).find(1, parse("purple"))
    assert [hit.data for hit in found.hits] == ["purple stones"]
    assert [finding async for step in check(storage.database) for finding in step.findings] == []
    kept = [f"{older}.db"] if storage.database.is_sqlite else []
    assert [file.name for file in tmp_path.glob("backups/*")] == kept
    await storage.database.close()


def talk(connection: Connection, user_id: int, older: str) -> None:
    """Insert a message in the lobby, as stored by that revision."""
    row = {"room_id": 1, "seq": 1, "kind": 2, "user_id": user_id, "client_id": "1"}
    connection.execute(sa.insert(events), {**row, "body": "purple stones", "at": 1})
    connection.execute(sa.text("UPDATE rooms SET head = 1 WHERE id = 1"))
    if older >= "0003":  # the first one with an index
        index(connection, [Entry(1, 1, user_id, "purple stones")])


async def test_files_are_queued_for_the_index_of_names_and_found_by_their_descriptions(
    database_url: str, tmp_path: Path
) -> None:
    storage = Storage(database_url)
    await storage.database.transaction(lambda c: upgrade(c, "0012"))
    await storage.database.transaction(arrive)
    listed = '[{"id":"a","name":"report.pdf","type":"application/pdf","bytes":1}]'

    def attach(connection: Connection) -> None:
        talk(connection, 1, "0012")
        connection.execute(sa.update(events).values(files=listed))
        row = {"id": "a", "user_id": 1, "room_id": 1, "seq": 1, "name": "report.pdf", "state": 2}
        named = row | {"name_key": "", "type": "application/pdf", "bytes": 1, "at": 1}
        described = named | {"id": "b", "position": 1, "alt": "Große Karte"}
        connection.execute(sa.insert(files), named)
        connection.execute(sa.insert(files), described)

    await storage.database.transaction(attach)
    await storage.database.transaction(backfill_names)
    await storage.database.transaction(backfill_display_keys)
    await migrate(storage.database, backups=tmp_path / "backups")
    await SearchBacklog(storage.database).work()
    found = await Search(storage.database).find(1, parse("filename:report has:file"))
    assert [hit.seq for hit in found.hits] == [1]
    async with storage.database.reading() as connection:
        keys = await connection.scalars(sa.select(files.c.alt_key).order_by(files.c.id))
        assert keys.all() == [None, "grosse karte"]
    assert [finding async for step in check(storage.database) for finding in step.findings] == []
    await storage.database.close()


def upgrade(connection: Connection, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(resource_dir("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)


# Tokens of this text as written by the first version with an index.
TEXT = "See https://example.com/a_b: it is 5 o'clock!"
TOKENS = (
    "xwsee xwhttps xs01m xs01b xwexample xs01a xwcom xwa xs02n xwb xwit xwis xw5 xwo xs013 xwclock"
    " xs00x xr1 xu1"
)


@pytest.mark.parametrize("older", [older for older in OLDER if older >= "0003"])
async def test_an_index_written_by_an_older_version_is_consistent_and_used(
    database_url: str, tmp_path: Path, older: str
) -> None:
    storage = Storage(database_url)
    await storage.database.transaction(lambda c: upgrade(c, older))
    await storage.database.transaction(arrive)

    def talk(connection: Connection) -> None:
        row = {"room_id": 1, "seq": 1, "kind": 2, "user_id": 1, "client_id": "1"}
        connection.execute(sa.insert(events), {**row, "body": TEXT, "at": 1})
        connection.execute(sa.text("UPDATE rooms SET head = 1 WHERE id = 1"))
        connection.execute(search.insert().values(id=1, room_id=1, seq=1, tokens=TOKENS))
        if storage.database.is_sqlite:
            connection.execute(words.insert().values(rowid=1, tokens=TOKENS))

    await storage.database.transaction(talk)
    await migrate(storage.database, backups=tmp_path / "backups")

    async def found(text: str) -> list[int]:
        return [hit.seq for hit in (await Search(storage.database).find(1, parse(text))).hits]

    assert [finding async for step in check(storage.database) for finding in step.findings] == []
    assert await found("example.com/a_b") == [1]
    await storage.database.transaction(lambda c: erase_texts(c, [(1, 1)], 5))
    assert await found("example.com/a_b") == []
    assert [finding async for step in check(storage.database) for finding in step.findings] == []
    await storage.database.close()


async def test_nodes_that_start_concurrently_migrate_once(
    database_url: str, tmp_path: Path
) -> None:
    if database_url.startswith("sqlite"):
        return  # the lock of the data folder excludes other processes
    databases = [Database(database_url) for _ in range(3)]
    await asyncio.gather(*(migrate(database, backups=tmp_path) for database in databases))
    assert [await revision(database) for database in databases] == [HEAD] * 3
    for database in databases:
        await database.close()


# Interruptions ------------------------------------------------------------------------------------


class Killed(BaseException):
    """Simulates the end of the process."""


class Killer:
    """Raises Killed after each statement that changes something, once for each statement."""

    CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def watch(self, database: Database) -> None:
        sa.event.listen(database.writer.engine, "after_cursor_execute", self._executed)

    def _executed(self, *event: Any) -> None:
        statement, parameters = event[2], event[3]
        key = f"{statement} {parameters}" if "alembic_version" in statement else statement
        if statement.lstrip().startswith(self.CHANGES) and key not in self.seen:
            self.seen.add(key)
            raise Killed


async def migrate_killed_after_each_statement(url: str, backups: Path) -> int:
    """Migrate with interruptions; return their number.

    Objects of earlier tests are frozen, because each collection of them takes half a second.
    """
    gc.freeze()
    try:
        return await _migrate_killed(url, backups, Killer())
    finally:
        gc.unfreeze()


async def _migrate_killed(url: str, backups: Path, killer: Killer) -> int:
    while True:
        database = Database(url)
        killer.watch(database)
        try:
            await migrate(database, backups=backups)
            return len(killer.seen)
        except Killed:
            pass
        finally:
            await database.close()
            gc.collect()  # a cursor in a traceback would keep SQLite's lock, unlike a dead process


async def test_a_first_start_may_be_interrupted_after_every_statement(
    database_url: str, tmp_path: Path
) -> None:
    assert await migrate_killed_after_each_statement(database_url, tmp_path) > 25
    storage = Storage(database_url)
    await assert_whole(storage)
    await storage.database.close()


@pytest.mark.parametrize("older", OLDER[::5])  # an upgrade has all statements of later ones
async def test_an_upgrade_may_be_interrupted_after_every_statement(
    database_url: str, tmp_path: Path, older: str
) -> None:
    storage = Storage(database_url)
    await storage.database.transaction(lambda c: upgrade(c, older))
    await storage.database.transaction(arrive)
    await storage.database.transaction(lambda c: talk(c, 1, older))
    await storage.database.close()
    assert await migrate_killed_after_each_statement(database_url, tmp_path / "backups") > 0
    storage = Storage(database_url)
    await assert_whole(storage)
    found = await Search(storage.database).find(1, parse("purple"))
    assert [hit.data for hit in found.hits] == ["purple stones"]
    await storage.database.close()


async def assert_whole(storage: Storage) -> None:
    """Require a database as after an uninterrupted migration."""
    assert await revision(storage.database) == HEAD
    assert await storage.database.run_on_writer(differences) == []
    assert [finding async for step in check(storage.database) for finding in step.findings] == []
    count = sa.text("SELECT (SELECT COUNT(*) FROM rooms) + (SELECT COUNT(*) FROM alembic_version)")
    assert await storage.database.run_on_writer(lambda c: c.scalar(count)) == 2
    tables = await storage.database.run_on_writer(lambda c: sa.inspect(c).get_table_names())
    assert "search_order" not in tables


async def test_a_repeated_upgrade_keeps_the_first_copy(tmp_path: Path) -> None:
    file, backups = tmp_path / "chat.db", tmp_path / "backups"
    for name in ("first", "second", "third"):
        file.unlink(missing_ok=True)
        database = Database(f"sqlite:///{file}")
        await database.transaction(lambda c: upgrade(c, OLDER[-1]))
        mark = sa.insert(meta).values(key="mark", value=name)
        await database.transaction(lambda c, mark=mark: c.execute(mark))  # type: ignore[misc]
        await migrate(database, backups=backups)
        await database.close()
    kept = {copy.name: marked(copy) for copy in backups.iterdir()}
    assert kept == {f"{OLDER[-1]}.db": "first", f"{OLDER[-1]}-newest.db": "third"}


def marked(copy: Path) -> str:
    with closing(sqlite3.connect(copy)) as database:
        ((mark,),) = database.execute("SELECT value FROM meta WHERE key = 'mark'")
        return str(mark)


async def test_a_newer_database_is_rejected_with_both_revisions(
    storage: Storage, tmp_path: Path
) -> None:
    await storage.database.transaction(
        lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(StartError, match=f"9999.*{HEAD}"):
        await migrate(storage.database, backups=tmp_path)


async def test_a_database_of_another_program_is_rejected(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    await database.transaction(lambda c: c.execute(sa.text("CREATE TABLE users (id INTEGER)")))
    with pytest.raises(StartError, match=r"users.* already exists"):
        await migrate(database, backups=tmp_path)
    await database.close()


async def test_a_new_database_has_an_epoch_and_full_durability(storage: Storage) -> None:
    assert len(await storage.log.epoch()) >= 12
    assert await storage.database.durability() == "full"

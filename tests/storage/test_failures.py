"""Classification of database errors, and verification on real databases."""

import errno
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chatserver.errors import Unavailable
from chatserver.storage.engine import Database
from chatserver.storage.failures import (
    DAMAGED,
    Action,
    CommitUnknown,
    DiskBroken,
    LockConflict,
    failure,
    may_pass,
    needs_new_connection,
    storage_error,
)
from chatserver.storage.migrate import migrate
from tests.rig.mariadb import PrivateMariaDB


def of_mysql(code: int, text: str = "text") -> OperationalError:
    return OperationalError("statement", {}, pymysql.OperationalError(code, text))


def of_sqlite(code: int) -> OperationalError:
    original = sqlite3.OperationalError("text")
    original.sqlite_errorcode = code
    return OperationalError("statement", {}, original)


TABLE = [
    (of_mysql(1021), Action.REFUSE, "disk is full"),
    (of_mysql(1114), Action.REFUSE, "disk is full"),
    (of_mysql(1040), Action.REFUSE, "too many connections"),
    (of_mysql(1203), Action.REFUSE, "too many connections"),
    (of_mysql(1226), Action.REFUSE, "used up its limit"),
    (of_mysql(1226, "exceeded the 'max_connections_per_hour' res"), Action.REFUSE, "this hour"),
    (
        of_mysql(1226, "exceeded the 'max_user_connections' resource"),
        Action.REFUSE,
        "reached max_user_connections",
    ),
    (of_mysql(1205), Action.RETRY, "holds the rows"),
    (of_mysql(1213), Action.RETRY, "holds the rows"),
    (of_mysql(1290), Action.RECONNECT, "read-only"),
    (of_mysql(1792), Action.RECONNECT, "read-only"),
    (of_mysql(1836), Action.RECONNECT, "read-only"),
    (of_mysql(1665), Action.REFUSE, "binlog_format"),
    (of_mysql(3100), Action.RECONNECT, "cluster"),
    (of_mysql(1047), Action.RECONNECT, "cluster"),
    (of_mysql(1053), Action.DROP, "does not answer"),
    (of_mysql(2006), Action.DROP, "does not answer"),
    (of_mysql(2013), Action.DROP, "does not answer"),
    (of_mysql(9999), Action.REFUSE, "9999"),
    (of_sqlite(sqlite3.SQLITE_FULL), Action.REFUSE, "disk is full"),
    (of_sqlite(sqlite3.SQLITE_READONLY), Action.RECONNECT, "read-only"),
    (of_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), Action.RECONNECT, "read-only"),
    (of_sqlite(sqlite3.SQLITE_BUSY), Action.REFUSE, "locked"),
    (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), Action.REFUSE, "locked"),
    (of_sqlite(sqlite3.SQLITE_IOERR_WRITE), Action.REFUSE, "over quota"),
    (of_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), Action.REFUSE, "over quota"),
    (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), Action.STOP, "disk failed"),
    (of_sqlite(sqlite3.SQLITE_IOERR_DIR_FSYNC), Action.STOP, "disk failed"),
    (of_sqlite(sqlite3.SQLITE_IOERR), Action.STOP, "disk failed"),
    (of_sqlite(sqlite3.SQLITE_CORRUPT), Action.REFUSE, "damaged"),
    (of_sqlite(sqlite3.SQLITE_CORRUPT_VTAB), Action.REFUSE, "search index"),
    (OSError(errno.EDQUOT, "text"), Action.REFUSE, "quota"),
    (OSError(errno.ENOSPC, "text"), Action.REFUSE, "quota"),
    (OSError(errno.EROFS, "text"), Action.RECONNECT, "read-only"),
    (OSError(errno.EIO, "text"), Action.STOP, "disk failed"),
    (ConnectionResetError(errno.ECONNRESET, "text"), Action.DROP, "does not answer"),
    (TimeoutError(), Action.DROP, "does not answer"),
    (PoolTimeout(), Action.REFUSE, "in use"),
]


@pytest.mark.parametrize(("error", "action", "reason"), TABLE, ids=lambda case: str(case)[-30:])
def test_the_table_has_action_and_reason_of_each_error(
    error: Exception, action: Action, reason: str
) -> None:
    found = failure(error)
    assert found is not None
    assert found.action is action
    assert reason in found.reason


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (of_mysql(1213), LockConflict),
        (of_mysql(1290), Unavailable),
        (of_mysql(2013), Unavailable),
        (of_sqlite(sqlite3.SQLITE_IOERR_WRITE), Unavailable),
        (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), DiskBroken),
    ],
)
def test_a_failure_becomes_an_error_with_its_reason(
    error: Exception, kind: type[Unavailable]
) -> None:
    refused = storage_error(error)
    assert type(refused) is kind
    assert isinstance(refused, Unavailable)
    assert refused.reason


def test_a_damaged_file_is_reported_with_instructions() -> None:
    assert str(storage_error(of_sqlite(sqlite3.SQLITE_NOTADB))) == DAMAGED


def test_damage_is_permanent_and_a_full_disk_may_pass() -> None:
    for code, passes in ((sqlite3.SQLITE_CORRUPT, False), (sqlite3.SQLITE_FULL, True)):
        original = sqlite3.DatabaseError("text")
        original.sqlite_errorcode = code
        refused = storage_error(OperationalError("statement", {}, original))
        assert isinstance(refused, Unavailable)
        assert refused.may_pass is passes


@pytest.mark.parametrize(
    "bug",
    [
        ProgrammingError("statement", {}, pymysql.ProgrammingError(1064, "a syntax error")),
        ProgrammingError("statement", {}, sqlite3.ProgrammingError("a closed cursor")),
        ValueError("text"),
    ],
)
def test_a_bug_is_not_converted(bug: Exception) -> None:
    assert failure(bug) is None
    assert storage_error(bug) is bug


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (of_mysql(1290), Unavailable),  # the server answered: it stored nothing
        (of_mysql(1213), LockConflict),
        (of_mysql(1021), Unavailable),
        (of_mysql(2013), CommitUnknown),
        (of_mysql(1180), CommitUnknown),  # not in the table
        (InterfaceError("COMMIT", {}, pymysql.InterfaceError(0, "")), CommitUnknown),
        (TimeoutError(), CommitUnknown),
        (ValueError("text"), CommitUnknown),
    ],
)
def test_a_failed_commit_is_unknown_unless_the_server_rejected_it(
    error: Exception, kind: type[Unavailable]
) -> None:
    assert type(storage_error(error, committing=True)) is kind


def test_only_temporary_errors_are_retried_at_the_start() -> None:
    assert may_pass(of_mysql(1040))
    assert may_pass(of_mysql(2003))
    assert may_pass(of_sqlite(sqlite3.SQLITE_BUSY))
    assert may_pass(ConnectionRefusedError())
    assert not may_pass(of_mysql(1045))
    assert not may_pass(of_sqlite(sqlite3.SQLITE_NOTADB))


def test_a_read_only_server_and_a_lost_connection_need_a_new_connection() -> None:
    assert needs_new_connection(of_mysql(1290))
    assert needs_new_connection(of_mysql(2013))
    assert not needs_new_connection(of_mysql(1213))
    assert not needs_new_connection(None)


# On real databases -------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def database(mariadb: PrivateMariaDB, tmp_path: Path) -> AsyncIterator[Database]:
    """A database on MariaDB with an account that is subject to read_only."""
    url = mariadb.create_database("failures")
    mariadb.sql(
        "CREATE OR REPLACE USER chat@'127.0.0.1'; GRANT ALL ON failures.* TO chat@'127.0.0.1'"
    )
    made = Database(url.replace("root@", "chat@"))
    await migrate(made, backups=tmp_path)
    yield made
    await made.close()
    mariadb.sql("SET GLOBAL read_only = 0, GLOBAL tx_read_only = 0; DROP DATABASE failures")


def write(connection: sa.Connection) -> int:
    """Change a row; return the id of the connection, so that a new one is noticed."""
    connection.execute(sa.text("UPDATE rooms SET topic = UUID() WHERE id = 1"))
    return int(connection.scalar(sa.text("SELECT CONNECTION_ID()")) or 0)


@pytest.mark.parametrize("switch", ["read_only", "tx_read_only"])
async def test_a_connection_to_a_read_only_server_is_not_reused(
    database: Database, mariadb: PrivateMariaDB, switch: str
) -> None:
    before = await database.transaction(write)
    mariadb.sql(f"SET GLOBAL {switch} = 1")
    if switch == "tx_read_only":  # applies to connections opened from now on
        await database.writer.dispose()
    with pytest.raises(Unavailable) as refused:
        await database.transaction(write)
    assert "read-only" in refused.value.reason
    mariadb.sql(f"SET GLOBAL {switch} = 0")
    assert await database.transaction(write) > before


async def test_readers_reconnect_when_a_server_becomes_read_only(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    async def reader() -> int:
        async with database.reading() as connection:
            return int(await connection.scalar(sa.text("SELECT CONNECTION_ID()")) or 0)

    before = await reader()
    assert await reader() == before
    mariadb.sql("SET GLOBAL read_only = 1")
    with pytest.raises(Unavailable):
        await database.transaction(write)
    assert await reader() > before


async def test_a_commit_on_a_server_that_became_read_only_stores_nothing(
    database: Database, mariadb: PrivateMariaDB
) -> None:
    def work(connection: sa.Connection) -> None:
        write(connection)
        mariadb.sql("SET GLOBAL read_only = 1")

    with pytest.raises(Unavailable) as refused:
        await database.transaction(work)
    assert type(refused.value) is Unavailable
    assert "read-only" in refused.value.reason


async def test_a_full_file_is_reported_as_a_full_disk_and_recovers(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'chat.db'}")
    await migrate(database, backups=tmp_path)

    def grow(connection: sa.Connection) -> None:
        connection.execute(sa.text("UPDATE rooms SET topic = hex(zeroblob(1000000))"))

    await database.run_on_writer(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1").close())
    with pytest.raises(Unavailable) as refused:
        await database.transaction(grow)
    assert "full" in refused.value.reason
    assert not database.broken
    await database.run_on_writer(
        lambda c: c.exec_driver_sql("PRAGMA max_page_count = 100000").close()
    )
    await database.transaction(grow)
    await database.close()


async def test_a_file_locked_by_another_program_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.storage.dialects.BUSY_TIMEOUT", 0)
    file = tmp_path / "chat.db"
    database = Database(f"sqlite:///{file}")
    await migrate(database, backups=tmp_path)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as refused:
            await database.transaction(lambda c: c.execute(sa.text("DELETE FROM meta")))
    assert "another program" in refused.value.reason
    await database.close()

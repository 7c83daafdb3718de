"""Health check of databases that are full, read-only, frozen or gone, within a second."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chatserver.storage import health
from chatserver.storage.engine import Database
from chatserver.storage.health import DatabaseHealth, HealthCheck
from chatserver.storage.migrate import HEAD, migrate
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.needs import require
from tests.storage.conftest import Storage

ACCOUNT = "CREATE USER chat@'127.0.0.1'; GRANT ALL ON chat.* TO chat@'127.0.0.1'"


class StatementLog(PrivateMariaDB):
    """MariaDB with statement-based replication, which InnoDB rejects at READ COMMITTED."""

    def command(self) -> list[str]:
        kept = [word for word in super().command() if word != "--skip-log-bin"]
        return [*kept, "--log-bin", "--binlog-format=MIXED", "--server-id=1"]


@pytest.fixture(scope="module")
def server() -> Iterator[StatementLog]:
    """A MariaDB server that tests can break."""
    require("MariaDB", found=PrivateMariaDB.found())
    with StatementLog() as server:
        server.create_database("chat")
        server.sql(ACCOUNT)
        yield server


@pytest_asyncio.fixture
async def database(server: StatementLog, tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(f"mysql://chat@127.0.0.1:{server.port}/chat")
    await migrate(made, backups=tmp_path)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def nothing_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MAX_AGE", 0.0)


async def test_a_healthy_database_has_no_reason(storage: Storage) -> None:
    condition = await HealthCheck(storage.database).check()
    assert (condition.reason, condition.revision, condition.durability) == ("", HEAD, "full")
    assert condition.size is not None
    assert condition.size > 10_000


async def test_a_check_commits_and_leaves_no_rows(storage: Storage) -> None:
    rows = sa.text("SELECT * FROM meta m ORDER BY m.key")
    before = await storage.database.run_on_writer(lambda c: c.execute(rows).all())
    commits: list[object] = []
    sa.event.listen(storage.database.writer.engine, "commit", commits.append)
    for _ in range(3):
        assert (await HealthCheck(storage.database).check()).reason == ""
    assert len(commits) == 3
    assert await storage.database.run_on_writer(lambda c: c.execute(rows).all()) == before


async def test_concurrent_checks_of_several_nodes_succeed(
    storage: Storage,
) -> None:
    examiners = [HealthCheck(storage.database) for _ in range(4)]
    found = await asyncio.gather(*(examiner.check() for examiner in examiners))
    assert [condition.reason for condition in found] == [""] * 4


async def test_concurrent_callers_share_one_check(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "MAX_AGE", 10.0)
    examiner = HealthCheck(storage.database)
    commits: list[object] = []
    sa.event.listen(storage.database.writer.engine, "commit", commits.append)
    await asyncio.gather(*(examiner.check() for _ in range(50)))
    await examiner.check()
    assert len(commits) == 1


async def test_a_read_only_sqlite_file_is_reported(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'chat.db'}")
    await migrate(database, backups=tmp_path)
    examiner = HealthCheck(database)
    assert (await examiner.check()).reason == ""
    await database.run_on_writer(lambda c: c.exec_driver_sql("PRAGMA query_only = 1").close())
    condition = await examiner.check()
    assert condition.reason == "the database is read-only"
    assert condition.revision == HEAD
    await database.close()


@pytest.mark.parametrize(
    ("broken", "healed", "reason"),
    [
        ("read_only = 1", "read_only = 0", "the database is read-only"),
        ("binlog_format = STATEMENT", "binlog_format = MIXED", "binlog_format is STATEMENT"),
    ],
)
async def test_a_mariadb_that_rejects_writes_is_reported_and_recovers(
    server: StatementLog, database: Database, broken: str, healed: str, reason: str
) -> None:
    examiner = HealthCheck(database)
    assert (await examiner.check()).reason == ""
    server.sql(f"SET GLOBAL {broken}")
    try:
        await database.writer.dispose()  # some settings apply only to new connections
        assert reason in (await examiner.check()).reason
    finally:
        server.sql(f"SET GLOBAL {healed}")
    await database.writer.dispose()
    assert (await examiner.check()).reason == ""


async def test_a_frozen_mariadb_is_reported_within_a_second(
    server: StatementLog, database: Database
) -> None:
    examiner = HealthCheck(database)
    await examiner.check()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            started = time.monotonic()
            condition = await examiner.check()
            assert replace(condition, began=0.0) == DatabaseHealth("the database does not answer")
            assert time.monotonic() - started < 1.0
    finally:
        os.kill(server.pid, signal.SIGCONT)
    async with asyncio.timeout(30):
        while (await examiner.check()).reason:
            pass


async def test_a_stopped_mariadb_is_reported_and_recovers(
    server: StatementLog, database: Database
) -> None:
    examiner = HealthCheck(database)
    server.kill()
    assert (await examiner.check()).reason == "the database does not answer"
    server.start()
    async with asyncio.timeout(30):
        while (await examiner.check()).reason:
            pass


async def test_closing_cancels_a_hanging_check(server: StatementLog, database: Database) -> None:
    examiner = HealthCheck(database)
    os.kill(server.pid, signal.SIGSTOP)
    try:
        assert (await examiner.check()).reason
        async with asyncio.timeout(10):
            await examiner.close()
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def test_a_database_of_another_revision_is_not_ready(storage: Storage) -> None:
    statement = sa.text("UPDATE alembic_version SET version_num = '0001'")
    await storage.database.transaction(lambda c: c.execute(statement))
    condition = await HealthCheck(storage.database).check()
    assert condition.revision == "0001"
    assert "revision 0001" in condition.reason


async def test_a_failed_flush_is_reported(storage: Storage) -> None:
    storage.database.broken = True
    assert (await HealthCheck(storage.database).check()).reason == "the disk failed"

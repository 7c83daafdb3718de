"""Migrations: from empty, again, by many at once, and never backwards."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection

from chatserver.errors import StartError
from chatserver.resources import resource_dir
from chatserver.storage.engine import Database
from chatserver.storage.migrate import HEAD, migrate, revision
from chatserver.storage.tables import metadata
from tests.storage.conftest import Storage


def test_the_code_knows_the_newest_revision() -> None:
    files = sorted(resource_dir("migrations").glob("versions/[0-9]*_*.py"))
    assert files[-1].name.split("_")[0] == HEAD


async def test_an_empty_database_is_brought_to_the_newest_revision_once(
    database_url: str, tmp_path: Path
) -> None:
    database = Database(database_url)
    assert await revision(database) is None
    assert (await migrate(database, backups=tmp_path))[-1] == HEAD
    assert await migrate(database, backups=tmp_path) == []
    assert await revision(database) == HEAD
    await database.close()


async def test_the_migrations_make_what_the_tables_say(storage: Storage) -> None:
    def known(name: str | None, _kind: str, _parent: object) -> bool:
        return not (name or "").startswith("search")  # the index has no form that both share

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"include_name": known})
        return list(compare_metadata(context, metadata))

    assert await storage.database.beside(differences) == []


async def test_nodes_that_start_together_migrate_once(database_url: str, tmp_path: Path) -> None:
    if database_url.startswith("sqlite"):
        return  # one process a file: the data folder's lock keeps others out
    databases = [Database(database_url) for _ in range(3)]
    await asyncio.gather(*(migrate(database, backups=tmp_path) for database in databases))
    assert [await revision(database) for database in databases] == [HEAD] * 3
    for database in databases:
        await database.close()


async def test_a_newer_database_is_refused_with_both_revisions_named(
    storage: Storage, tmp_path: Path
) -> None:
    await storage.database.transaction(
        lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(StartError, match=f"9999.*{HEAD}"):
        await migrate(storage.database, backups=tmp_path)


async def test_the_log_has_a_name_and_a_commit_is_flushed(storage: Storage) -> None:
    assert len(await storage.people.epoch()) >= 12
    assert await storage.database.durability() == "full"

"""Shares of readers: separate connections and time limits of statements."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chatserver import shutdown
from chatserver.errors import Unavailable
from chatserver.storage import readers
from chatserver.storage.engine import Database
from chatserver.storage.readers import QUOTAS, Quota, Share

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT max(i) FROM n",
    "mysql": "SELECT SLEEP(60)",
}


@pytest.mark.parametrize("share", [Share.LOOKUPS, Share.HISTORY, Share.LISTS, Share.HEAVY])
async def test_a_statement_above_the_time_limit_is_interrupted(
    database_url: str, monkeypatch: pytest.MonkeyPatch, share: Share
) -> None:
    monkeypatch.setitem(QUOTAS, share, Quota(1, 0.2))
    database = Database(database_url)
    database.restrict_permissions()
    for _ in range(2):  # the connection stays usable
        with pytest.raises(Unavailable, match="took too long"):
            async with database.reading(share) as connection:
                await connection.execute(sa.text(ENDLESS[database.kind]))
        async with database.reading(share) as connection:
            assert await connection.scalar(sa.text("SELECT 1")) == 1
    await database.close()


async def test_the_time_limit_excludes_the_processing_of_rows(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUOTAS, Share.HEAVY, Quota(1, 0.05))
    database = Database(database_url)
    database.restrict_permissions()
    async with database.reading(Share.HEAVY) as connection:
        await connection.scalar(sa.text("SELECT 1"))
        await asyncio.sleep(0.1)
        assert await connection.scalar(sa.text("SELECT 2")) == 2
    await database.close()


async def test_a_cancelled_statement_does_not_interrupt_the_next_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUOTAS, Share.HEAVY, Quota(1, 0.2))
    database = Database(database_url)
    database.restrict_permissions()

    async def ask() -> None:
        async with database.reading(Share.HEAVY) as connection:
            await connection.execute(sa.text(ENDLESS[database.kind]))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ask()
    async with database.reading(Share.HEAVY) as connection:
        assert await connection.scalar(sa.text("SELECT 1")) == 1
    await database.close()


async def test_a_connection_that_is_in_use_for_too_long_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "RETURN_TIMEOUT", 0.05)
    database = Database(f"sqlite:///{tmp_path}/chat.db")
    database.restrict_permissions()
    async with database.reading() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await database.close()
        driver._thread.join(timeout=5)
        assert (driver._connection, driver._thread.is_alive()) == (None, False)


async def test_an_exhausted_share_does_not_affect_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(readers._POOL, "pool_timeout", 0.1)
    database = Database(database_url)
    database.restrict_permissions()
    async with AsyncExitStack() as held:
        for _ in range(QUOTAS[Share.HEAVY].connections):
            await held.enter_async_context(database.reading(Share.HEAVY))
        with pytest.raises(Unavailable):
            await held.enter_async_context(database.reading(Share.HEAVY))
        for share in (Share.LOOKUPS, Share.HISTORY, Share.COPIES):
            async with database.reading(share) as connection:
                assert await connection.scalar(sa.text("SELECT 1")) == 1
    await database.close()


async def test_a_connection_in_use_is_closed_after_it_was_returned(database_url: str) -> None:
    database = Database(database_url)
    database.restrict_permissions()
    in_use: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    release = asyncio.Event()

    async def query() -> None:
        async with database.reading() as connection:
            in_use.set_result((await connection.get_raw_connection()).driver_connection)
            await release.wait()

    reading = asyncio.create_task(query())
    driver = await in_use
    closing = asyncio.create_task(database.close())
    for _ in range(5):
        await asyncio.sleep(0)
    release.set()
    await asyncio.gather(reading, closing)
    if database.is_sqlite:
        with pytest.raises(ValueError, match="no active connection"):
            await driver.execute("SELECT 1")
    else:
        assert driver.closed


async def test_a_statement_that_runs_on_is_interrupted_when_the_database_is_closed(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'chat.db'}")
    database.restrict_permissions()

    async def query() -> None:
        async with database.reading(Share.COPIES) as connection:
            await connection.execute(sa.text(ENDLESS["sqlite"]))

    reading = asyncio.create_task(query())
    while not database.readers[Share.COPIES].pool.checkedout():  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    async with asyncio.timeout(shutdown.CLOSE_TIMEOUT):
        await database.close()
        with pytest.raises(Unavailable):
            await reading


async def test_a_path_can_begin_with_two_slashes(tmp_path: Path) -> None:
    database = Database(f"sqlite:////{tmp_path / 'chat.db'}")
    database.restrict_permissions()
    async with database.reading() as connection:
        assert await connection.scalar(sa.text("SELECT 1")) == 1
    await database.close()

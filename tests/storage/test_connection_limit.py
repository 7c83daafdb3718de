"""Database accounts with fewer connections than the pools: queries wait, and do not fail."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa

from chatserver.storage.engine import Database, wait_until_reachable
from chatserver.storage.readers import Share
from tests.rig.mariadb import PrivateMariaDB
from tests.test_main import LATER, Place, sentence

LIMITS = (1, 3)


@pytest_asyncio.fixture(params=LIMITS)
async def limited(
    request: pytest.FixtureRequest, mariadb: PrivateMariaDB
) -> AsyncIterator[tuple[PrivateMariaDB, str]]:
    """Yield the server, and the URL of an account with a limit of connections."""
    name = f"limited{request.param}"
    url = mariadb.create_database(name)
    mariadb.sql(
        f"CREATE USER {name}@'127.0.0.1' WITH MAX_USER_CONNECTIONS {request.param};"
        f"GRANT ALL ON {name}.* TO {name}@'127.0.0.1'"
    )
    yield mariadb, url.replace("root@", f"{name}@")
    mariadb.sql(f"DROP USER {name}@'127.0.0.1'; DROP DATABASE {name}")


async def test_queries_above_the_connection_limit_wait(
    limited: tuple[PrivateMariaDB, str], caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(limited[1])
    try:
        await wait_until_reachable(database, tries=1)

        async def read(share: Share) -> int:
            async with database.reading(share) as connection:
                return int((await connection.execute(sa.text("SELECT 1"))).scalar_one())

        def write(connection: sa.Connection) -> int:
            return int(connection.execute(sa.text("SELECT 2")).scalar_one())

        shares = [share for share in Share for _ in range(4)]
        writing = [database.transaction(write) for _ in range(8)]
        found = await asyncio.gather(*map(read, shares), *writing)
    finally:
        await database.close()
    assert found == [1] * len(shares) + [2] * 8
    slower = [r for r in caplog.records if "too few connections" in r.getMessage()]
    assert [record.levelno for record in slower] == [logging.WARNING]


def test_a_chat_runs_with_few_connections_and_is_unavailable_without_any(
    limited: tuple[PrivateMariaDB, str], tmp_path: object
) -> None:
    mariadb, url = limited
    place = Place(tmp_path)  # type: ignore[arg-type]
    place.succeed("--database", url, "user", "add", "ann", "--admin")
    name = url.rpartition("/")[2]
    mariadb.sql(f"ALTER USER {name}@'127.0.0.1' WITH MAX_QUERIES_PER_HOUR 1")
    said = sentence(place.run("--data", str(place.data), "--database", url, "invite"), LATER)
    assert "limit" in said or "max_queries_per_hour" in said

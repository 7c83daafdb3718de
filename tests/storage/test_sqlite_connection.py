"""Connections of SQLite: a closed database has no open file, whatever was cancelled before."""

import asyncio
import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from chatserver.storage.engine import Database
from chatserver.storage.sqlite_connection import SQLiteConnection


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Let nothing be closed by the garbage collector."""
    gc.disable()
    yield
    gc.enable()


def open_files(path: Path) -> list[str]:
    descriptors = Path("/proc/self/fd").iterdir()
    return [name for one in descriptors if (name := os.path.realpath(one)).startswith(str(path))]


@pytest.mark.usefixtures("no_collection")
def test_a_connection_with_an_open_cursor_closes_its_file(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    connection = SQLiteConnection(str(path))
    cursor = connection.cursor()
    cursor.execute("SELECT 1 UNION SELECT 2")
    assert cursor.fetchone() == (1,)
    connection.close()
    assert open_files(path) == []


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("turns", range(12))
async def test_a_query_that_is_cancelled_leaves_no_open_file(tmp_path: Path, turns: int) -> None:
    path = tmp_path / "chat.db"
    path.touch()
    database = Database(f"sqlite:///{path}")

    async def query() -> None:
        async with database.reading() as connection:
            await connection.execute(sa.text("SELECT 1 UNION SELECT 2"))

    task = asyncio.create_task(query())
    for _ in range(turns):
        await asyncio.sleep(0.0005)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await database.close()
    assert open_files(path) == []

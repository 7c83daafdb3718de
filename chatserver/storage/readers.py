"""Read-only connections in separate pools, so that slow queries cannot exhaust all connections.

Each share has its own pool and a time limit per statement: on SQLite the statement is interrupted,
MariaDB and MySQL have a setting (`max_statement_time`, `max_execution_time`).
"""

import asyncio
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from chatserver.storage.sqlite_connection import connect

POOL_TIMEOUT = 5.0  # seconds that a query waits for a connection of its share
RETURN_TIMEOUT = 0.4  # seconds that a stop waits for connections in use
TIMER = "timer"  # key in the info of a SQLite connection, of the timer that interrupts it


class Share(StrEnum):
    """Purpose of a connection."""

    LOOKUPS = "lookups"  # sessions, users, rights: needed by every request
    HISTORY = "history"  # events, rooms and members
    LISTS = "lists"  # of all users, rooms and bots
    HEAVY = "heavy"  # search
    COPIES = "copies"  # the whole database: archives and checks


@dataclass(frozen=True, slots=True)
class Quota:
    """Number of connections of a share, and the time limit of a statement in seconds."""

    connections: int
    seconds: float | None


QUOTAS = {
    Share.LOOKUPS: Quota(4, 5.0),
    Share.HISTORY: Quota(4, 5.0),
    Share.LISTS: Quota(2, 3.0),
    Share.HEAVY: Quota(2, 3.0),
    Share.COPIES: Quota(2, None),
}

_POOL: dict[str, Any] = {
    "hide_parameters": True,
    "poolclass": AsyncAdaptedQueuePool,
    "pool_timeout": POOL_TIMEOUT,
    "max_overflow": 0,
    "isolation_level": "AUTOCOMMIT",
    "skip_autocommit_rollback": True,
}


def sqlite_reader(path: str, quota: Quota, *, busy_timeout: float, **options: str) -> AsyncEngine:
    """Return an engine that cannot write to this file; `options` are parameters of its URI."""
    query = {"mode": "ro", "uri": "true"} | options
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=f"file:{quote(_one_slash(path))}", query=query),
        pool_size=quota.connections,
        connect_args={"timeout": busy_timeout, "async_creator_fn": connect},
        **_POOL,
    )
    if quota.seconds is not None:
        _interrupt_after(engine.sync_engine, quota.seconds)
    return engine


def _one_slash(path: str) -> str:
    """Return the path with one leading slash: after two, a URI has the name of a host."""
    return re.sub("^/+", "/", path)


async def close_readers(engines: Collection[AsyncEngine], drivers: Collection[Any]) -> None:
    """Close all connections, those in use after their statements were interrupted on SQLite.

    `drivers` are aiosqlite's connections.
    """
    if not await _all_returned(engines):
        for driver in drivers:
            _interrupt(driver)
        await _all_returned(engines)
    for engine in engines:
        await engine.dispose()
    with suppress(TimeoutError):
        async with asyncio.timeout(RETURN_TIMEOUT):
            for driver in drivers:  # the pool does not close those that are returned to it later
                await driver.close()


async def _all_returned(engines: Collection[AsyncEngine]) -> bool:
    """Wait until no connection is in use; return False after RETURN_TIMEOUT."""
    pools: list[Any] = [engine.pool for engine in engines]
    try:
        async with asyncio.timeout(RETURN_TIMEOUT):
            while any(pool.checkedout() for pool in pools):  # noqa: ASYNC110 - pools have no event
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True


def mysql_reader(url: URL, quota: Quota, options: dict[str, Any]) -> AsyncEngine:
    """Return an engine for queries; `options` are those of all engines."""
    seconds = quota.seconds or 0  # 0 means no limit
    # Comments that only MariaDB or only MySQL executes: they name the setting differently.
    limit = (
        f"SET SESSION /*M!100100 max_statement_time={seconds} */"
        f" /*!50708 max_execution_time={round(seconds * 1000)} */"
    )
    connect_args = {**options["connect_args"], "init_command": limit}
    options = {**options, **_POOL, "connect_args": connect_args}
    return create_async_engine(url, pool_size=quota.connections, **options)


def _interrupt_after(engine: sa.Engine, seconds: float) -> None:
    """Interrupt every statement of an engine that takes longer."""

    def begin(connection: Connection, *_more: object) -> None:
        driver = connection.connection.driver_connection
        later = asyncio.get_running_loop().call_later
        connection.info[TIMER] = later(seconds, _interrupt, driver)

    def end(connection: Connection, *_more: object) -> None:
        _end(connection)

    def failed(context: sa.engine.ExceptionContext) -> None:
        """Interrupt the statement of a cancelled task, which would run on and hold the thread."""
        connection = context.connection
        if connection is not None:
            _end(connection)
            if isinstance(context.original_exception, asyncio.CancelledError):
                _interrupt(connection.connection.driver_connection)

    sa.event.listen(engine, "before_cursor_execute", begin)
    sa.event.listen(engine, "after_cursor_execute", end)
    sa.event.listen(engine, "handle_error", failed)


def _end(connection: Connection) -> None:
    timer = connection.info.pop(TIMER, None)
    if timer is not None:
        timer.cancel()


def _interrupt(driver: Any) -> None:
    """Call aiosqlite's method, a coroutine that never waits."""
    with suppress(ValueError, StopIteration):  # the connection is closed, or the call returned
        driver.interrupt().send(None)

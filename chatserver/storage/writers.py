"""Connections for transactions: one in a thread for SQLite, a pool for MySQL."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")


class Writer(Protocol):
    """Owner of the connections that may write; `engine` accepts SQLAlchemy's event listeners."""

    engine: sa.Engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a connection; roll back what it has not committed."""
        ...

    async def dispose(self) -> None: ...


class ThreadWriter:
    """One connection in its own thread, for SQLite; a transaction is one call in that thread.

    aiosqlite switches threads for every statement and fetch, which takes longer than SQLite itself.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[Connection], T]) -> T:
        if self._connection is None:
            self._connection = self.engine.connect()
        try:
            return work(self._connection)
        except BaseException:
            self._release()  # a connection whose BEGIN failed cannot begin again
            raise
        finally:
            if self._connection is not None:
                self._connection.rollback()

    def _release(self) -> None:
        """Return the connection to the pool, which rolls back and keeps the file open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def dispose(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._dispose)

    def _dispose(self) -> None:
        self._release()
        self.engine.dispose()


class PoolWriter:
    """A pool of connections of an asynchronous driver, for MySQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.engine = engine.sync_engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def dispose(self) -> None:
        await self._engine.dispose()


class ReadOnlyWriter:
    """Refuses transactions, for a database that is only read."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    async def run(self, _work: Callable[[Connection], T]) -> T:
        raise RuntimeError("this database is open for reading only")

    async def dispose(self) -> None:
        """There is no connection to close."""

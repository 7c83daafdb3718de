"""Who holds the connections that may write: SQLite's one in its own thread, MySQL's in a pool."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")


class Writer(Protocol):
    """Who holds the connections that may write; `engine` is SQLAlchemy's, for whoever listens."""

    engine: sa.Engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run `work`; what it has not committed is rolled back."""
        ...

    async def dispose(self) -> None: ...


class ThreadWriter:
    """One connection in a thread of its own, for SQLite: a transaction is one visit there.

    aiosqlite goes to its thread and back for every statement and every fetch, which took longer
    than what SQLite did in between.
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
            self._let_go()  # one whose BEGIN has failed would never begin again
            raise
        finally:
            if self._connection is not None:
                self._connection.rollback()

    def _let_go(self) -> None:
        """The pool rolls back, and keeps the file open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def dispose(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._dispose)

    def _dispose(self) -> None:
        self._let_go()
        self.engine.dispose()


class PoolWriter:
    """Some connections of an asynchronous driver, for MySQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.engine = engine.sync_engine

    async def run(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def dispose(self) -> None:
        await self._engine.dispose()


class ReadOnlyWriter:
    """For a database that is only read."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    async def run(self, _work: Callable[[Connection], T]) -> T:
        raise RuntimeError("this database is open for reading only")

    async def dispose(self) -> None:
        """No connection was made."""

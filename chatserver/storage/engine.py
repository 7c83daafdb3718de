"""Database connections: an engine for transactions and engines for queries (`readers.py`).

The engines of SQLite and MySQL are made in `dialects.py`; their errors are in `failures.py`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chatserver.errors import StartError, TemporaryStartError
from chatserver.permissions import give_to_owner
from chatserver.storage.batch_loader import BatchLoader, Found, Key
from chatserver.storage.dialects import (
    mysql_engines,
    read_only_readers,
    refuse_invalid_options,
    sqlite_engines,
)
from chatserver.storage.durability_counter import DurabilityCounter
from chatserver.storage.failures import (
    FAILED_WRITE,
    FAILURES,
    FULL,
    DiskBroken,
    damaged_file,
    failure,
    is_damage,
    may_pass,
    read_error,
    storage_error,
)
from chatserver.storage.open_files import OpenFiles
from chatserver.storage.readers import Share, close_readers
from chatserver.storage.writers import ReadOnlyWriter

RETRY_TIMEOUT = 4  # seconds after which no further attempt is made

T = TypeVar("T")

# At DEBUG, aiosqlite logs every statement with its values: messages, names, hashes.
logging.getLogger("aiosqlite").setLevel(logging.INFO)
# `hide_parameters` in `dialects.py` has the same reason: errors are logged.


class Closable(Protocol):
    """An object with tasks that use the database."""

    async def close(self) -> None: ...


class Database:
    """The engines of one URL: `sqlite:///path` or `mysql://user:password@host/name`."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        """`read_only`: nothing can be changed, neither in the file nor on the server."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise StartError(
                "database.url is not a URL: try mysql://user:password@host/name."
            ) from None
        self.is_sqlite = parsed.drivername.startswith("sqlite")
        make = sqlite_engines if self.is_sqlite else mysql_engines
        self.kind = "sqlite" if self.is_sqlite else "mysql"
        self.broken = False  # a flush failed
        self.damaged = False  # a statement found damage in the SQLite file
        self._durability: str | None = None
        self.path = Path(parsed.database or "") if self.is_sqlite else None
        self.name = parsed.set(query={}).render_as_string()  # without the password
        self.durability_counter = DurabilityCounter(self.path)
        self._files = OpenFiles(self.path)
        self._dependents: list[Closable] = []
        if not self.is_sqlite:
            refuse_invalid_options(url)
        self.writer, self.readers = make(parsed)
        sa.event.listen(self.writer.engine, "connect", lambda *_: self._files.reopened())
        if read_only:
            self.writer = ReadOnlyWriter(self.writer.engine)
            self.readers = read_only_readers(parsed, self.readers)
        self._interruptible: set[Any] = set()  # aiosqlite's connections of readers
        for reader in self.readers.values() if self.is_sqlite else ():
            # Before SQLAlchemy prepares the connection, which may be cancelled.
            sa.event.listen(reader.sync_engine, "connect", self._opened, insert=True)
            sa.event.listen(reader.sync_engine, "close", self._closed)

    def _opened(self, connection: Any, _record: object) -> None:
        self._interruptible.add(connection.driver_connection)

    def _closed(self, connection: Any, _record: object) -> None:
        self._interruptible.discard(connection.driver_connection)

    def restrict_permissions(self) -> None:
        """SQLite: create the file if it is missing, readable for its owner only."""
        if self.path is not None:
            try:
                self.path.touch(mode=0o600)
                give_to_owner(self.path)
            except OSError as error:
                raise StartError(f"Cannot write {self.path}: {error.strerror}.") from None

    def batch_loader(
        self, load: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Found]]]
    ) -> BatchLoader[Key, Found]:
        """Return a loader that coalesces lookups until the database is closed."""
        loader = BatchLoader(load)
        self.close_first(loader)
        return loader

    def close_first(self, dependent: Closable) -> None:
        """Register an object that `close` closes before the connections."""
        self._dependents.append(dependent)

    async def close(self) -> None:
        for dependent in self._dependents:
            await dependent.close()
        await close_readers(self.readers.values(), [*self._interruptible])
        await self.writer.dispose()
        self.durability_counter.close()

    @asynccontextmanager
    async def reading(self, share: Share = Share.LOOKUPS) -> AsyncIterator[AsyncConnection]:
        """Yield a connection for queries; every statement sees committed data.

        Raises Unavailable if all connections of the share are in use, or a statement times out.
        """
        try:
            async with self.readers[share].connect() as connection:
                yield connection
        except FAILURES as error:
            self.note_damage(error)
            raise read_error(error) from error

    def note_damage(self, error: Exception) -> None:
        """If an error says that the SQLite file is damaged, store nothing more until a restart.

        The writing connection may have the damaged pages in its cache, and would not notice.
        """
        self.damaged = self.damaged or (self.is_sqlite and is_damage(error))

    @property
    def read(self) -> AsyncEngine:
        """Engine of the default share, for single queries."""
        return self.readers[Share.LOOKUPS]

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, commit it and flush it to disk.

        Raises IntegrityError, which the caller handles, else Unavailable or a subclass. After a
        failed flush every further transaction raises DiskBroken.
        """
        if self.broken:
            raise DiskBroken
        if self.damaged:
            raise damaged_file()
        try:
            return await self.writer.run(partial(self._commit, work))
        except IntegrityError:
            raise
        except FAILURES as error:
            raise self._failed(error) from error

    def _commit(self, work: Callable[[Connection], T], connection: Connection) -> T:
        result = work(connection)
        self._files.require_unchanged()
        try:
            connection.commit()
        except FAILURES as error:
            raise self._failed(error, committing=not self.is_sqlite) from error
        return result

    def _failed(self, error: Exception, *, committing: bool = False) -> Exception:
        self.note_damage(error)
        refused = storage_error(error, committing=committing)
        self.broken = self.broken or isinstance(refused, DiskBroken)
        return refused

    async def run_on_writer(self, work: Callable[[Connection], T]) -> T:
        """Run `work` outside a transaction on a connection that may write: migrations, PRAGMAs."""
        return await self.writer.run(work)

    async def checkpoint(self) -> None:
        """SQLite: write the WAL into the file, as far as no reader needs it."""
        if self.is_sqlite:
            await self.run_on_writer(_checkpoint)

    async def durability(self) -> str:
        """Return `full` if a commit is flushed before it returns, else `weakened`."""
        if self._durability is None or not self.is_sqlite:
            self._durability = await self._read_durability()
        return self._durability

    async def _read_durability(self) -> str:
        """Query the settings. On SQLite, those of the writing connection, which do not change."""
        if isinstance(self.writer, ReadOnlyWriter) and self.is_sqlite:
            return "full"  # writing connections are set up so: see dialects.PRAGMAS
        if self.is_sqlite:
            pragma = "PRAGMA synchronous"
            level = await self.run_on_writer(lambda c: int(c.exec_driver_sql(pragma).scalar_one()))
            return "full" if level >= 2 else "weakened"
        async with self.read.connect() as connection:
            found = dict((await connection.exec_driver_sql(_FLUSH_SETTINGS)).mappings().one())
        flushed = found["commit"] == 1 and (not found["binlog"] or found["sync"] == 1)
        return "full" if flushed else "weakened"

    async def size(self) -> int:
        """Return the size on disk in bytes; on SQLite with the WAL."""
        if self.path is not None:
            files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
            return sum(file.stat().st_size for file in files if file.exists())
        async with self.reading() as connection:
            return int((await connection.exec_driver_sql(_SIZE)).scalar_one() or 0)

    async def snapshot(self, target: Path) -> None:
        """SQLite only: write a compact copy of the database to an empty file."""
        async with self.readers[Share.COPIES].connect() as connection:
            await connection.exec_driver_sql("VACUUM INTO ?", (str(target),))


_FLUSH_SETTINGS = (
    "SELECT @@innodb_flush_log_at_trx_commit AS `commit`, @@log_bin AS `binlog`,"
    " @@sync_binlog AS `sync`"
)

_SIZE = (
    "SELECT SUM(data_length + index_length) FROM information_schema.tables"
    " WHERE table_schema = DATABASE()"
)


async def wait_until_reachable(database: Database, *, tries: int = 3) -> None:
    """Connect, with retries. Raises StartError; TemporaryStartError if it may succeed later."""

    def ping(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT 1").close()

    database.restrict_permissions()
    await with_retries(lambda: database.run_on_writer(ping), tries=tries)


async def with_retries(query: Callable[[], Awaitable[T]], *, tries: int = 3) -> T:
    """Run the first query of a process, retrying while the database may still be starting."""
    clock = asyncio.get_running_loop().time
    until = clock() + RETRY_TIMEOUT
    for remaining in reversed(range(tries)):
        try:
            return await query()
        except (DBAPIError, OSError, TimeoutError, ImportError, RuntimeError, TypeError) as error:
            if not remaining or clock() > until:
                reason = _sentence(error)
                kind = TemporaryStartError if may_pass(error) else StartError
                raise kind(f"The database cannot be opened: {reason}.") from error
            await asyncio.sleep(0.5)
    raise AssertionError("there is at least one try")


def _checkpoint(connection: Connection) -> None:
    """Use the driver's connection, because SQLAlchemy would begin a transaction."""
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA wal_checkpoint(PASSIVE)").close()


def _sentence(error: Exception) -> object:
    """Return the text of a driver's error. SQLite reports a full disk as an I/O error."""
    if (known := failure(error)) in (FULL, FAILED_WRITE):
        return known.reason
    original = error.orig if isinstance(error, DBAPIError) else error
    arguments = getattr(original, "args", ())
    return str(arguments[-1]).rstrip(".") if arguments else original

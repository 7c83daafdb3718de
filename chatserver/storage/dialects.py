"""Engines of SQLite and MySQL: how their connections are opened and prepared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, StaticPool

from chatserver.storage.readers import QUOTAS, Share, mysql_reader, sqlite_reader
from chatserver.storage.sqlite_connection import SQLiteConnection
from chatserver.storage.writers import PoolWriter, ThreadWriter, Writer

MYSQL_WRITERS = 4  # connections that write; SQLite has exactly one
BUSY_TIMEOUT = 5  # seconds that SQLite waits for a lock, and a caller for a connection
CONNECT_TIMEOUT = 5  # seconds

PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "wal_autocheckpoint=4000",  # pages: frequently changed pages are copied less often
)

Readers = Mapping[Share, AsyncEngine]


def sqlite_engines(url: URL) -> tuple[Writer, Readers]:
    """Create the engines: one read-write connection, and readers that cannot write.

    Two connections that write or checkpoint the same WAL file at the same instant can corrupt it in
    SQLite before 3.51.3; readers with mode=ro never checkpoint.
    """
    path = str(url.database)
    writer = sa.create_engine(
        URL.create("sqlite", database=path),
        hide_parameters=True,
        poolclass=StaticPool,
        connect_args={
            "timeout": BUSY_TIMEOUT,
            "check_same_thread": False,
            "factory": SQLiteConnection,
        },
    )
    sa.event.listen(writer, "connect", _prepare_sqlite)
    sa.event.listen(writer, "begin", _begin_immediate)
    return ThreadWriter(writer), _sqlite_readers(path)


def _sqlite_readers(path: str, **options: str) -> Readers:
    return {
        share: sqlite_reader(path, quota, busy_timeout=BUSY_TIMEOUT, **options)
        for share, quota in QUOTAS.items()
    }


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin: see _begin_immediate
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction fails if another one wrote between its first read and its first write.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def refuse_invalid_options(url: str) -> None:
    """Call the check of `mysql_driver`, whose driver is imported only if it is used."""
    from chatserver.storage import mysql_driver

    mysql_driver.refuse_invalid_options(url)


def mysql_engines(url: URL) -> tuple[Writer, Readers]:
    from chatserver.storage.connection_limit import ConnectionLimit
    from chatserver.storage.mysql_driver import WRITER_LIMITS, Renewal, connect, tls, without_tls

    limit = ConnectionLimit(connect)
    target = without_tls(url).set(drivername="mysql+aiomysql")
    target = target.update_query_dict({"charset": "utf8mb4"})
    shared: dict[str, Any] = {
        "hide_parameters": True,
        "poolclass": AsyncAdaptedQueuePool,
        "pool_pre_ping": True,
        "pool_recycle": 280,
        "pool_timeout": BUSY_TIMEOUT,
        "max_overflow": 0,
        "connect_args": {
            "async_creator_fn": limit.connect,
            "ssl": tls(url),
            "connect_timeout": CONNECT_TIMEOUT,
            "init_command": WRITER_LIMITS,
        },
    }
    writer = create_async_engine(
        target, pool_size=MYSQL_WRITERS, isolation_level="READ COMMITTED", **shared
    )
    readers = {share: mysql_reader(target, quota, shared) for share, quota in QUOTAS.items()}
    renewal = Renewal()
    for engine in (writer, *readers.values()):
        renewal.watch(engine.sync_engine)
    limit.pools = [writer, *readers.values()]
    return PoolWriter(writer), readers


def read_only_readers(url: URL, readers: Readers) -> Readers:
    """Return engines that cannot change anything.

    SQLite creates two files to read a database in WAL mode, unless `immutable` guarantees that
    nothing writes, which the lock of the data folder does. With a WAL, these files exist already.
    """
    if not url.drivername.startswith("sqlite"):
        for reader in readers.values():
            sa.event.listen(reader.sync_engine, "connect", _begin_read_only)
        return readers
    path = Path(str(url.database))
    if path.with_name(f"{path.name}-wal").exists():
        return readers
    return _sqlite_readers(str(path), immutable="1")


def _begin_read_only(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET SESSION TRANSACTION READ ONLY")
    cursor.close()

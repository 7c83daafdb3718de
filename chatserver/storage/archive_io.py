"""Dump of a whole database to archive lines, and load of such lines, on SQLite and MySQL.

Rows are written in the order of their primary keys, so that both kinds of database give the same
lines for the same content. Derived tables (the search index, texts of files) are not in an
archive; loading rebuilds the index and queues the files.
"""

import asyncio
import heapq
import secrets
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.errors import ChatServerError
from chatserver.models import EventKind
from chatserver.storage import file_texts
from chatserver.storage.archive_file import ChecksumLine, Damaged, Manifest, Row, line
from chatserver.storage.display_names import backfill_display_keys
from chatserver.storage.engine import Database
from chatserver.storage.failures import storage_error
from chatserver.storage.member_rows import backfill_removals
from chatserver.storage.meta_keys import EPOCH, OF_ONE_DATABASE
from chatserver.storage.migrate import HEAD
from chatserver.storage.reaction_forms import qualify_reactions
from chatserver.storage.readers import Share
from chatserver.storage.room_admins import repair_memberships
from chatserver.storage.search_index import Entry, index, pending, search
from chatserver.storage.tables import events, meta, metadata, push_targets, rooms, users
from chatserver.storage.unique_names import backfill_names

INSERT_BATCH = 500  # rows per INSERT
READ_BATCH = 100  # rows read and encoded at a time, in a few milliseconds of a busy server
MERGE_BUFFER = 20_000  # messages of all rooms together that are held in memory for indexing
EXCLUSIVE_TRIES = 10
TITLE_LENGTH, TOPIC_LENGTH = 128, 512  # characters that the columns of a room can hold
_EPOCH = meta.c.key == EPOCH

TABLES = {table.name: table for table in metadata.sorted_tables if table is not push_targets}
_OF_ONE_DATABASE = meta.c.key.in_(OF_ONE_DATABASE)

_encoder = msgspec.json.Encoder()


class NotEmpty(ChatServerError):
    """The database that would be replaced has users."""

    def __init__(self) -> None:
        super().__init__("The database has users already: nothing was changed.")


# Dump --------------------------------------------------------------------------------------------


async def dump(database: Database, *, now: int) -> AsyncGenerator[bytes]:
    """Yield a consistent snapshot as a plain archive, in pieces, while others write.

    Use `aclosing`: the generator holds a connection.
    """
    async with consistent_snapshot(database) as connection:
        checksum = ChecksumLine()
        yield checksum.update(line(await _manifest(connection, now)))
        for table in TABLES.values():
            async for rows in _row_batches(connection, table):
                yield checksum.update(_encoder.encode_lines(rows))
        yield checksum.line()


@asynccontextmanager
async def consistent_snapshot(database: Database) -> AsyncIterator[AsyncConnection]:
    """Yield a connection whose queries all see the same snapshot. It blocks no writer."""
    async with database.reading(Share.COPIES) as connection:
        try:
            for statement in SQLITE_SNAPSHOT if database.is_sqlite else MYSQL_SNAPSHOT:
                await connection.exec_driver_sql(statement)
            yield connection
            await connection.exec_driver_sql("ROLLBACK")
        except BaseException:
            await connection.invalidate()  # its state is unknown: the pool must not reuse it
            raise


SQLITE_SNAPSHOT = ("BEGIN",)
MYSQL_SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)


async def _manifest(connection: AsyncConnection, now: int) -> Manifest:
    rows = {}
    for name, table in TABLES.items():
        count = sa.select(sa.func.count()).select_from(_archived_rows(table).subquery())
        rows[str(name)] = int(await connection.scalar(count) or 0)
    epoch = str(await connection.scalar(sa.select(meta.c.value).where(_EPOCH)))
    return Manifest(revision=HEAD, epoch=epoch, made_at=now, rows=rows)


async def _row_batches(
    connection: AsyncConnection, table: sa.Table
) -> AsyncIterator[list[dict[str, Any]]]:
    query = _archived_rows(table).order_by(*table.primary_key)
    result = await connection.stream(query.execution_options(yield_per=READ_BATCH))
    keys = ["table", *(str(column.name) for column in table.columns)]
    async for rows in result.partitions():
        yield [dict(zip(keys, (str(table.name), *row), strict=True)) for row in rows]


def _archived_rows(table: sa.Table) -> sa.Select[Any]:
    query = sa.select(table)
    return query.where(~_OF_ONE_DATABASE) if table is meta else query


# Load --------------------------------------------------------------------------------------------


async def is_empty(database: Database) -> bool:
    """Whether the database has no accounts, or not even tables. Raises Unavailable."""
    try:
        return await database.run_on_writer(_is_empty)
    except DBAPIError as error:
        raise storage_error(error) from error


def _is_empty(connection: Connection) -> bool:
    if not sa.inspect(connection).has_table(users.name):
        return True
    return not connection.scalar(sa.select(sa.func.count()).select_from(users))


async def checkpoint(database: Database) -> None:
    """SQLite: copy the WAL into the database file, as far as its readers allow it.

    Closing a connection does so too, but hides a failure. Raises Unavailable.
    """

    def work(connection: Connection) -> None:
        raw = connection.connection.driver_connection  # SQLAlchemy would begin a transaction
        assert raw is not None  # noqa: S101 - the connection is open
        for statement in ("PRAGMA busy_timeout = 0", "PRAGMA wal_checkpoint(TRUNCATE)"):
            raw.execute(statement).close()

    try:
        await database.run_on_writer(work)
    except sqlite3.Error as error:
        raise storage_error(error) from error


async def require_no_other_clients(database: Database) -> None:
    """MySQL: raise ChatServerError while other clients are connected. Call it first."""
    for _ in range(EXCLUSIVE_TRIES):
        others = await database.run_on_writer(
            lambda c: int(c.exec_driver_sql(_OTHERS).scalar_one())
        )
        if not others:
            return
        await asyncio.sleep(0.2)  # the connection of a stopped server is listed a moment longer
    raise ChatServerError(
        f"Others are connected to this database ({others}). Stop every node of this chat first."
    )


_OTHERS = (
    "SELECT COUNT(*) FROM information_schema.processlist"
    " WHERE db = DATABASE() AND id <> CONNECTION_ID()"
)


async def load(
    database: Database, rows: Iterable[Row], *, replace: bool, progress: Callable[[int], None]
) -> None:
    """Replace the content of the database by these rows, in one transaction, under a new epoch.

    `progress` is called with the number of rows of each batch. Raises NotEmpty if the database has
    users, unless `replace`; Damaged if the rows violate the schema. Then nothing changes.
    """

    def work(connection: Connection) -> None:
        if not replace and connection.scalar(sa.select(sa.func.count()).select_from(users)):
            raise NotEmpty
        _clear(connection)
        for name, batch in _batches(rows):
            table = _table(name, batch[0])
            connection.execute(table.insert(), [_truncated(table, row) for row in batch])
            progress(len(batch))
        backfill_names(connection)
        backfill_display_keys(connection)
        qualify_reactions(connection)
        backfill_removals(connection)
        repair_memberships(connection)
        _replace_epoch(connection)
        _index(connection)
        file_texts.enqueue_all(connection)

    try:
        await database.transaction(work)
    except (DBAPIError, StatementError) as error:
        reason = error.orig if isinstance(error, StatementError) else error
        raise Damaged(f"The archive does not fit together: {reason}.") from error


def _clear(connection: Connection) -> None:
    connection.execute(search.delete())
    connection.execute(pending.delete())
    for table in reversed(metadata.sorted_tables):
        every = table.delete()
        connection.execute(every.where(~_OF_ONE_DATABASE) if table is meta else every)


def _batches(rows: Iterable[Row]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name, group in groupby(rows, key=itemgetter(0)):
        while batch := [row for _, row in islice(group, INSERT_BATCH)]:
            yield name, batch


def _table(name: str, row: dict[str, Any]) -> sa.Table:
    """Return the table `name`. Raises Damaged unless `row` has columns that fit it.

    Columns that an older archive lacks get their defaults.
    """
    table = TABLES.get(name)
    if table is None or not _required(table) <= set(row) <= set(table.c.keys()):
        raise Damaged(f"The archive holds {name!r} in a form that this program does not know.")
    return table


def _truncated(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with title and topic truncated to their columns.

    Older versions let SQLite store longer ones than MySQL can.
    """
    if table is not rooms or not row.keys() >= {"title", "topic"}:
        return row
    return row | {"title": row["title"][:TITLE_LENGTH], "topic": row["topic"][:TOPIC_LENGTH]}


def _required(table: sa.Table) -> set[str]:
    columns = (column for column in table.c if not column.nullable and not column.server_default)
    return {str(column.name) for column in columns}


def _replace_epoch(connection: Connection) -> None:
    """Set a new epoch, so that clients discard cursors of another copy of this log."""
    epoch = secrets.token_urlsafe(12)
    if connection.execute(meta.update().where(_EPOCH).values(value=epoch)).rowcount == 0:
        connection.execute(meta.insert().values(key=EPOCH, value=epoch))


def _index(connection: Connection) -> None:
    """Index all messages in order of time, because ids of the index grow with time."""
    numbers = list(connection.scalars(sa.select(events.c.room_id).distinct()))
    page = max(20, MERGE_BUFFER // max(1, len(numbers)))
    logs = (_texts(connection, room, page) for room in numbers)
    in_time = heapq.merge(*logs, key=attrgetter("at", "room_id", "seq"))
    while some := [
        Entry(r.room_id, r.seq, r.user_id, r.body, r.files) for r in islice(in_time, INSERT_BATCH)
    ]:
        index(connection, some, later=False)


def _texts(connection: Connection, room: int, page: int) -> Iterator[Any]:
    """Yield the messages of a room page by page: drivers hold a whole result in memory."""
    query = (
        sa.select(
            events.c.at,
            events.c.room_id,
            events.c.seq,
            events.c.user_id,
            events.c.body,
            events.c.files,
        )
        .where(events.c.room_id == room, events.c.kind == EventKind.MESSAGE)
        .where(events.c.deleted_at.is_(None))
        .order_by(events.c.seq)
        .limit(page)
    )
    after = 0
    while rows := connection.execute(query.where(events.c.seq > after)).all():
        yield from rows
        after = rows[-1].seq

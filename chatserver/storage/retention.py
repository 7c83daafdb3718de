"""Forgets the text of messages that a room keeps no longer, and gives the space back.

The events stay, deleted and empty, so that a room's numbers have no holes. Works in small
transactions: what people say meanwhile waits for one of them at most, except while a SQLite file is
rewritten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import Kind
from chatserver.storage import search_index
from chatserver.storage.engine import Database
from chatserver.storage.idempotency import SHORT_DIGEST
from chatserver.storage.members import lock_rooms
from chatserver.storage.pacing import paced
from chatserver.storage.readers import Share
from chatserver.storage.tables import events, mentions, meta, reactions, rooms

CHUNK = 100  # messages in one transaction, which delays other messages
DAY = 86_400_000  # milliseconds
AHEAD = 600_000  # ms that a message may be ahead of the clock: nodes' clocks differ a little
WASTE = 0.2  # of a SQLite file may be empty before it is rewritten

EMPTY = meta.c.key == "empty"  # characters that were forgotten since a SQLite file was rewritten


@dataclass(frozen=True, slots=True)
class ExpiredText:
    """How much text is gone."""

    messages: int
    characters: int


async def expire(database: Database, *, upto: int, now: int) -> ExpiredText:
    """Forget what is too old at `upto` (ms), in every room that says how long it keeps.

    `now` is what the clock says. `upto` is the time that has passed for certain (see `nights`).
    """
    query = sa.select(rooms.c.id, rooms.c.retention_days).where(rooms.c.retention_days.is_not(None))
    async with database.reading(Share.COPIES) as connection:
        keeping = (await connection.execute(query)).all()
    found = [await _expire(database, room, upto - days * DAY, now) for room, days in keeping]
    return ExpiredText(sum(one.messages for one in found), sum(one.characters for one in found))


async def _expire(database: Database, room: int, before: int, now: int) -> ExpiredText:
    messages, characters, after = 0, 0, 0
    last = await _last_old(database, room, before, now)
    while old := await _some(database, room, after, last):
        seqs = [seq for seq, _ in old]
        async with paced():
            await database.transaction(partial(forget, room=room, seqs=seqs, now=now))
        messages, characters = messages + len(old), characters + sum(size for _, size in old)
        after = seqs[-1]
    if messages:
        await search_index.compact_all(database)
    return ExpiredText(messages, characters)


async def _last_old(database: Database, room: int, before: int, now: int) -> int:
    """The seq up to which a room is old: no message before it is young. 0 for none.

    The order of the log counts more than the clock at each message: one that seems old and stands
    behind a young one was stored while the clock was behind, and one from the future that stands
    before an old one is as old as that.
    """
    said = sa.and_(events.c.room_id == room, events.c.kind == Kind.MESSAGE)
    young = sa.select(sa.func.min(events.c.seq)).where(
        said, events.c.at >= before, events.c.at <= now + AHEAD
    )
    async with database.reading() as connection:
        end = await connection.scalar(young)
        old = sa.select(sa.func.max(events.c.seq)).where(said, events.c.at < before)
        found = await connection.scalar(old if end is None else old.where(events.c.seq < end))
    return int(found or 0)


async def _some(database: Database, room: int, after: int, last: int) -> list[tuple[int, int]]:
    """The next messages to forget, with the lengths of their texts.

    Deleted ones with a text are from older programs, whose edits could meet the nightly work.
    """
    query = (
        sa.select(events.c.seq, sa.func.length(events.c.body))
        .where(events.c.room_id == room, events.c.kind == Kind.MESSAGE)
        .where(events.c.seq > after, events.c.seq <= last)
        .where(sa.or_(events.c.deleted_at.is_(None), events.c.body != ""))
        .order_by(events.c.seq)
        .limit(CHUNK)
    )
    async with database.reading(Share.COPIES) as connection:
        return [(seq, size) for seq, size in await connection.execute(query)]


def forget(connection: Connection, room: int, seqs: Sequence[int], now: int) -> None:
    """Remove the text of messages, and all that would reveal it.

    Holds the room: an edit or a reaction is stored before this, or finds a deleted message.
    """
    lock_rooms(connection, [room])

    def of(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
        return sa.and_(column.table.c.room_id == room, column.in_(seqs))

    message = {"body": "", "digest": SHORT_DIGEST, "deleted_at": now}
    connection.execute(events.update().where(of(events.c.seq)).values(message))
    acts = events.update().where(of(events.c.target_seq))
    connection.execute(acts.values(digest=SHORT_DIGEST))
    connection.execute(acts.where(events.c.kind == Kind.EDIT).values(body=""))
    for table in (reactions, mentions):
        connection.execute(table.delete().where(of(table.c.seq)))
    search_index.forget(connection, [(room, seq) for seq in seqs])


async def reclaim_space(database: Database, characters: int) -> bool:
    """SQLite: after `characters` more were forgotten, rewrite a file that is empty for a good part.

    Whether it was rewritten. Everybody who writes waits for it; InnoDB needs none of this.
    """
    if not database.is_sqlite:
        return False
    empty = await database.transaction(lambda c: _count_empty(c, characters))
    if not await database.run_on_writer(lambda c: _rewrite(c, empty)):
        return False
    await database.transaction(lambda c: c.execute(meta.delete().where(EMPTY)))
    return True


def _count_empty(connection: Connection, characters: int) -> int:
    """How much was forgotten since the file was rewritten.

    Counted, because SQLite cannot tell: a text that gets shorter leaves its page half empty, and
    only pages that are wholly empty are on its free list.
    """
    before = int(connection.scalar(sa.select(meta.c.value).where(EMPTY)) or 0)
    connection.execute(meta.delete().where(EMPTY))
    if before + characters:
        connection.execute(meta.insert().values(key="empty", value=str(before + characters)))
    return before + characters


def _rewrite(connection: Connection, empty: int) -> bool:
    """On the driver's connection: SQLAlchemy would begin a transaction, where VACUUM cannot be."""
    raw = connection.connection.driver_connection
    assert raw is not None  # noqa: S101 - the connection is open
    free, pages, size = [
        int(raw.execute(f"PRAGMA {fact}").fetchone()[0])
        for fact in ("freelist_count", "page_count", "page_size")
    ]
    if free * size + empty <= WASTE * pages * size:
        return False
    for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
        raw.execute(statement).close()
    return True

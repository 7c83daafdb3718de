"""Deletion of message texts after the retention period of their room, and reuse of their space.

The events remain, deleted and empty, so that the seqs of a room have no gaps. Transactions are
small: other writes wait for one of them at most, except while a SQLite file is rewritten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.clocks import DAY, NODE_CLOCK_DIFFERENCE
from chatserver.models import EventKind
from chatserver.storage import search_index
from chatserver.storage.engine import Database
from chatserver.storage.file_texts import erase_of_messages
from chatserver.storage.members import lock_rooms
from chatserver.storage.meta_keys import EMPTIED
from chatserver.storage.readers import Share
from chatserver.storage.tables import (
    MARKED_FOR_DELETION,
    events,
    files,
    mentions,
    meta,
    reactions,
    rooms,
)
from chatserver.storage.text_erasure import erase_texts
from chatserver.storage.throttling import throttled

CHUNK = 100  # messages in one transaction, which delays other messages
ROWS = 2_000  # reactions, mentions and edits of several messages in one transaction
WASTE = 0.2  # fraction of a SQLite file that may be empty before it is rewritten

_EMPTIED = meta.c.key == EMPTIED


@dataclass(frozen=True, slots=True)
class ExpiredText:
    """Number of deleted messages, and of characters of their texts."""

    messages: int
    characters: int


class _Expired(NamedTuple):
    """A message to delete, and what a transaction does for it."""

    seq: int
    characters: int
    rows: int  # reactions, mentions and edits


async def expire(database: Database, *, until: int, now: int) -> ExpiredText:
    """Delete messages whose retention period has ended at `until` (ms), in all rooms that have one.

    `now` is the time of the clock (ms); `until` is earlier if the clock may be wrong: see
    `nightly_runs`.
    """
    query = sa.select(rooms.c.id, rooms.c.retention_days).where(rooms.c.retention_days.is_not(None))
    async with database.reading(Share.COPIES) as connection:
        limited = (await connection.execute(query)).all()
    found = [await _expire(database, room, days, until, now) for room, days in limited]
    return ExpiredText(sum(one.messages for one in found), sum(one.characters for one in found))


async def _expire(database: Database, room: int, days: int, until: int, now: int) -> ExpiredText:
    messages, characters, after = 0, 0, 0
    last = await _last_old(database, room, until - days * DAY, now)
    old: list[_Expired] = []
    while old := old or await _some(database, room, after, last):
        part = _first_part(old)
        seqs = [one.seq for one in part]
        erase = partial(_erase, room=room, days=days, seqs=seqs, now=now)
        async with throttled():
            if not await database.transaction(erase):
                break
        messages += len(part)
        characters += sum(one.characters for one in part)
        after, old = seqs[-1], old[len(part) :]
    if messages:
        await search_index.compact_all(database)
    return ExpiredText(messages, characters)


async def _last_old(database: Database, room: int, before: int, now: int) -> int:
    """Return the last seq such that all messages up to it are expired; 0 if there is none.

    The order of the log outweighs the time of a message: one that seems expired but follows a newer
    one was stored while the clock was behind, and one from the future that precedes an expired one
    is at least as old.
    """
    said = sa.and_(events.c.room_id == room, events.c.kind == EventKind.MESSAGE)
    young = sa.select(sa.func.min(events.c.seq)).where(
        said, events.c.at >= before, events.c.at <= now + NODE_CLOCK_DIFFERENCE
    )
    async with database.reading(Share.COPIES) as connection:
        end = await connection.scalar(young)
        old = sa.select(sa.func.max(events.c.seq)).where(said, events.c.at < before)
        found = await connection.scalar(old if end is None else old.where(events.c.seq < end))
    return int(found or 0)


async def _some(database: Database, room: int, after: int, last: int) -> list[_Expired]:
    """Return the next messages to delete.

    Deleted messages with a text were left by earlier versions, whose edits could overlap retention.
    """
    query = (
        sa.select(events.c.seq, sa.func.length(events.c.body), _ROWS)
        .where(events.c.room_id == room, events.c.kind == EventKind.MESSAGE)
        .where(events.c.seq > after, events.c.seq <= last)
        .where(sa.or_(events.c.deleted_at.is_(None), events.c.body != ""))
        .order_by(events.c.seq)
        .limit(CHUNK)
    )
    async with database.reading(Share.COPIES) as connection:
        return [_Expired(*row) for row in await connection.execute(query)]


def _first_part(old: Sequence[_Expired]) -> list[_Expired]:
    """Return the first message, and those after it as long as all have at most ROWS rows."""
    totals = accumulate(one.rows for one in old)
    return [one for one, total in zip(old, totals, strict=True) if total <= ROWS] or [old[0]]


def _count(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    query = sa.select(sa.func.count()).where(*conditions)
    return query.correlate(events).scalar_subquery()


_edit = events.alias("edit")
_ROWS = (
    _count(reactions.c.room_id == events.c.room_id, reactions.c.seq == events.c.seq)
    + _count(mentions.c.room_id == events.c.room_id, mentions.c.seq == events.c.seq)
    + _count(
        _edit.c.room_id == events.c.room_id,
        _edit.c.target_seq == events.c.seq,
        _edit.c.kind == EventKind.EDIT,
    )
)


def _erase(connection: Connection, room: int, days: int, seqs: Sequence[int], now: int) -> bool:
    """Erase messages, and return True, unless the retention period was made longer than `days`.

    A concurrent edit or reaction is stored before, or fails.
    """
    lock_rooms(connection, [room])
    period = connection.scalar(sa.select(rooms.c.retention_days).where(rooms.c.id == room))
    if period is None or period > days:
        return False
    attached = files.update().where(files.c.room_id == room, files.c.seq.in_(seqs))
    refs = [(room, seq) for seq in seqs]
    if connection.execute(attached.values(MARKED_FOR_DELETION)).rowcount:
        erase_of_messages(connection, refs)
    erase_texts(connection, refs, now)
    return True


async def reclaim_space(database: Database, characters: int) -> bool:
    """SQLite: rewrite the file if more than WASTE of it is empty, after `characters` were deleted.

    Return whether it was rewritten. All writes wait for it. InnoDB reuses its space itself.
    """
    if not database.is_sqlite:
        return False
    empty = await database.transaction(lambda c: _count_empty(c, characters))
    if not await database.run_on_writer(lambda c: _rewrite(c, empty)):
        return False
    await database.transaction(lambda c: c.execute(meta.delete().where(_EMPTIED)))
    return True


def _count_empty(connection: Connection, characters: int) -> int:
    """Add to the number of characters deleted since the file was rewritten, and return it.

    SQLite does not know it: a shorter text leaves its page half empty, and only completely empty
    pages are on the free list.
    """
    before = int(connection.scalar(sa.select(meta.c.value).where(_EMPTIED)) or 0)
    connection.execute(meta.delete().where(_EMPTIED))
    if before + characters:
        connection.execute(meta.insert().values(key=EMPTIED, value=str(before + characters)))
    return before + characters


def _rewrite(connection: Connection, empty: int) -> bool:
    """Run VACUUM on the driver's connection, because SQLAlchemy would begin a transaction."""
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

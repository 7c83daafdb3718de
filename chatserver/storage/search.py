"""The index over message bodies: keeping it, and finding in it what somebody may read.

The table `search` holds the tokens of every message; its ids grow with time. What looks into it is
FTS5 on SQLite and FULLTEXT on MySQL. It only proposes: rights, filters and the text itself are
decided anew for every candidate, so that both databases find the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.mysql import match
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.errors import BadRequest, _
from chatserver.models import Kind, name_key
from chatserver.storage.engine import Database
from chatserver.storage.pairs import ManyRows
from chatserver.storage.tables import events, members, meta, rooms, users
from chatserver.tokens import Query, fold, matches, room_token, sender_token, tokens

AT_ONCE = 500  # messages that one statement forgets
CHUNKS = (64, 512, 2_048, 2_048)  # candidates looked at together; after them the page ends early
AS_TERMS = 64  # rooms or people that the index itself is asked for; of more it is filtered
CLOCKS_DIFFER = 600_000  # ms that nodes may disagree; ids follow the clock no closer
NEWEST = 2**53  # above every id
COMPACTED = "search_compacted"  # in meta, SQLite only: 0 while struck words remain in the file

Terms = list[list[str]]  # one of each must be there

search = sa.table("search", *(sa.column(name) for name in ("id", "room_id", "seq", "tokens")))
_NEW = ManyRows(search, "room_id", "seq", "tokens")
_words = sa.table("search_words", *(sa.column(n) for n in ("rowid", "search_words", "tokens")))


class Entry(NamedTuple):
    """A message as the index takes it."""

    room: int
    seq: int
    user_id: int
    body: str


@dataclass(frozen=True, slots=True)
class Hit:
    room: int
    seq: int
    user: str
    data: str
    at: int
    edited_at: int | None


@dataclass(frozen=True, slots=True)
class Hits:
    """Messages, newest first. `position` asks for those that follow; None when `more` is false.

    The work for one page is bounded: it may hold less than its limit, even nothing, and have more.
    """

    hits: list[Hit]
    more: bool
    position: int | None


# Keeping the index: inside the transaction that changes the messages -----------------------------


def index(connection: Connection, entries: Sequence[Entry]) -> None:
    """New messages become findable."""
    if not entries:
        return
    _NEW.insert(connection, [(e.room, e.seq, written(e)) for e in entries])
    _enter_words(connection, len(entries))


def reindex(connection: Connection, room: int, seq: int, body: str) -> None:
    """An edited message is found by its new text only. It keeps its place among the others."""
    edited = sa.and_(search.c.room_id == room, search.c.seq == seq)
    author = sa.select(events.c.user_id).where(events.c.room_id == room, events.c.seq == seq)
    user_id = connection.scalar(author)
    if user_id is None:
        return
    _strike_words(connection, edited)
    entry = Entry(room, seq, user_id, body)
    connection.execute(search.update().where(edited).values(tokens=written(entry)))
    _reenter_words(connection, edited)


def forget(connection: Connection, room: int, seqs: Sequence[int]) -> None:
    """Deleted messages are found no more."""
    for start in range(0, len(seqs), AT_ONCE):
        some = seqs[start : start + AT_ONCE]
        deleted = sa.and_(search.c.room_id == room, search.c.seq.in_(some))
        _strike_words(connection, deleted)
        connection.execute(search.delete().where(deleted))


def compact(connection: Connection) -> None:
    """SQLite: the words of what was deleted or edited leave the file, too. Cheap if there are none.

    On MySQL they stay in InnoDB's auxiliary tables until `OPTIMIZE TABLE search`. That locks the
    table for a while, so the operator says when.
    """
    marked = sa.and_(meta.c.key == COMPACTED, meta.c.value == "0")
    if connection.execute(meta.update().where(marked).values(value="1")).rowcount:
        connection.execute(_words.insert().values(search_words="optimize"))


def written(entry: Entry) -> str:
    """The tokens of a message as the table holds them."""
    own = f"{room_token(entry.room)} {sender_token(entry.user_id)}"
    return f"{tokens(entry.body)} {own}"


# Finding -----------------------------------------------------------------------------------------


class Search:
    """Finds messages in the rooms that somebody may read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, user_id: int, query: Query, *, before: int | None = None, limit: int = 50
    ) -> Hits:
        """The newest `limit` messages that match, or those that follow the position `before`.

        Raises BadRequest for a person or a room in the query that is not there for this reader.
        """
        async with self._database.reading() as connection:
            hunt = await _plan(connection, user_id, query)
            below = hunt.below if before is None else min(max(before, 0), hunt.below)
            return await _collect(connection, hunt, below, limit)


@dataclass(frozen=True, slots=True)
class _Hunt:
    """A query as this reader means it; the ids to look among are `least` <= id < `below`."""

    query: Query
    user_id: int
    rooms: frozenset[int]
    senders: frozenset[int] | None
    least: int
    below: int
    terms: Terms


async def _plan(connection: AsyncConnection, user_id: int, query: Query) -> _Hunt:
    numbers = await _rooms(connection, user_id, query.room)
    senders = None if query.sender is None else await _senders(connection, query.sender)
    terms = [[term] for term in query.terms]
    if senders is not None and len(senders) <= AS_TERMS:
        terms.append([sender_token(number) for number in sorted(senders)])
    if len(numbers) <= AS_TERMS:
        terms.append([room_token(number) for number in sorted(numbers)])
    least, below = 0, NEWEST
    if query.after is not None:
        least = await _id_at(connection, query.after - CLOCKS_DIFFER)
    if query.before is not None:
        below = await _id_at(connection, query.before + CLOCKS_DIFFER)
    return _Hunt(query, user_id, numbers, senders, least, below, terms)


async def _collect(connection: AsyncConnection, hunt: _Hunt, below: int, limit: int) -> Hits:
    """Candidates from `below` downwards, in growing chunks, until the page is full."""
    found: list[sa.Row[Any]] = []
    for size in CHUNKS:
        ids = await _candidates(connection, hunt, below, size)
        found += await _verified(connection, hunt, ids)
        if len(found) > limit:
            return Hits([_hit(row) for row in found[:limit]], True, found[limit - 1].id)
        if len(ids) < size:
            return Hits([_hit(row) for row in found], False, None)
        below = ids[-1]
    return Hits([_hit(row) for row in found], True, below)


async def _verified(
    connection: AsyncConnection, hunt: _Hunt, ids: Sequence[int]
) -> list[sa.Row[Any]]:
    if not ids:
        return []
    rows = await connection.execute(_DETAILS, {"ids": ids, "me": hunt.user_id})
    return [row for row in rows if _passes(hunt, row)]


def _passes(hunt: _Hunt, row: sa.Row[Any]) -> bool:
    """The filters are not in the SELECT: a database would begin with them, not with the ids."""
    query = hunt.query
    return (
        row.room_id in hunt.rooms
        and (hunt.senders is None or row.user_id in hunt.senders)
        and (query.after is None or row.at >= query.after)
        and (query.before is None or row.at < query.before)
        and matches(query, row.body)
    )


def _hit(row: sa.Row[Any]) -> Hit:
    return Hit(row.room_id, row.seq, row.user, row.body, row.at, row.edited_at)


_SAME_MESSAGE = sa.and_(events.c.room_id == search.c.room_id, events.c.seq == search.c.seq)
_READABLE = sa.select(members.c.room_id).where(
    members.c.user_id == sa.bindparam("me"), members.c.left_at.is_(None)
)
# Correlated, as SQLite would begin with the rooms of an IN (SELECT ...) and read all of them.
_DETAILS: sa.Select[Any] = (
    sa.select(
        search.c.id,
        events.c.room_id,
        events.c.seq,
        events.c.user_id,
        users.c.name.label("user"),
        events.c.body,
        events.c.at,
        events.c.edited_at,
    )
    .join_from(search, events, _SAME_MESSAGE)
    .join(users, users.c.id == events.c.user_id)
    .where(search.c.id.in_(sa.bindparam("ids", expanding=True)))
    .where(_READABLE.where(members.c.room_id == events.c.room_id).exists())
    .where(events.c.kind == Kind.MESSAGE, events.c.deleted_at.is_(None))
    .order_by(search.c.id.desc())
)


async def _rooms(connection: AsyncConnection, user_id: int, wanted: str | None) -> frozenset[int]:
    """The rooms to look in: all that one may read; the one of that name or number; all so titled.

    Case is for Python to fold: the databases do not agree on it.
    """
    if wanted is None:
        return frozenset(await connection.scalars(_READABLE, {"me": user_id}))
    readable = _READABLE.join(rooms, rooms.c.id == members.c.room_id)
    number = int(wanted) if wanted.isdecimal() and int(wanted) < NEWEST else 0
    named = readable.where(sa.or_(rooms.c.name == name_key(wanted), rooms.c.id == number))
    if found := frozenset(await connection.scalars(named, {"me": user_id})):
        return found
    titles = await connection.execute(readable.add_columns(rooms.c.title), {"me": user_id})
    if found := _so_called(titles, wanted):
        return found
    raise BadRequest(_("You are in no room called %(room)s."), room=wanted)


async def _senders(connection: AsyncConnection, name: str) -> frozenset[int]:
    """The account of that name, else all whose display name it is."""
    person = sa.select(users.c.id).where(users.c.name_key == name_key(name))
    if found := frozenset(await connection.scalars(person)):
        return found
    if found := _so_called(await connection.execute(sa.select(users.c.id, users.c.display)), name):
        return found
    raise BadRequest(_("Nobody here is called %(name)s."), name=name)


def _so_called(rows: Iterable[Any], wanted: str) -> frozenset[int]:
    folded = fold(wanted)
    return frozenset(row[0] for row in rows if folded and fold(row[1]) == folded)


async def _id_at(connection: AsyncConnection, at: int) -> int:
    """About the first id of that time: found by halving, as ids grow with time."""
    first = (
        sa.select(search.c.id, events.c.at)
        .join_from(search, events, _SAME_MESSAGE)
        .where(search.c.id >= sa.bindparam("low"))
        .order_by(search.c.id)
        .limit(1)
    )
    low, high = 0, await connection.scalar(sa.select(sa.func.max(search.c.id))) or 0
    while low <= high:
        middle = (low + high) // 2
        row = (await connection.execute(first, {"low": middle})).first()
        if row is None or row.at >= at:
            high = middle - 1
        else:
            low = row.id + 1
    return low


async def _candidates(connection: AsyncConnection, hunt: _Hunt, below: int, size: int) -> list[int]:
    """The newest ids whose tokens answer the terms, newest first."""
    if not all(hunt.terms):
        return []
    held = _held_sqlite if connection.dialect.name == "sqlite" else _held_mysql
    number, conditions = held(hunt.terms) if hunt.terms else (search.c.id, ())
    found = sa.select(number).where(*conditions, number >= hunt.least, number < below)
    return list(await connection.scalars(found.order_by(number.desc()).limit(size)))


# What the databases disagree on ------------------------------------------------------------------


Held = tuple[sa.ColumnElement[int], tuple[sa.ColumnElement[bool], ...]]  # an id; conditions


def _held_sqlite(terms: Terms) -> Held:
    asked = " AND ".join(f"({' OR '.join(choice)})" for choice in terms)
    return _words.c.rowid, (_words.c.search_words.op("MATCH", is_comparison=True)(asked),)


def _held_mysql(terms: Terms) -> Held:
    asked = " ".join(f"+({' '.join(choice)})" for choice in terms)
    return search.c.id, (match(search.c.tokens, against=asked).in_boolean_mode(),)


_last = sa.select(sa.func.max(search.alias().c.id)).scalar_subquery()
_newest = sa.select(search.c.id, search.c.tokens).where(search.c.id > _last - sa.bindparam("count"))
_ENTER_NEWEST = str(
    _words.insert()
    .from_select(["rowid", "tokens"], _newest.order_by(search.c.id))
    .compile(dialect=sqlite.dialect())
)


def _enter_words(connection: Connection, count: int) -> None:
    """FTS5 is told of the newest rows, which MySQL sees by itself.

    All of them in one statement: a trigger would have FTS5 write a segment for every row.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_ENTER_NEWEST, (count,))


def _reenter_words(connection: Connection, which: sa.ColumnElement[bool]) -> None:
    """FTS5 is told of rows whose words have changed, after `_strike_words`."""
    if connection.dialect.name == "sqlite":
        found = sa.select(search.c.id, search.c.tokens).where(which)
        connection.execute(_words.insert().from_select(["rowid", "tokens"], found))


def _strike_words(connection: Connection, which: sa.ColumnElement[bool]) -> None:
    """FTS5 forgets these rows. It writes that down beside the words, which `compact` removes."""
    if connection.dialect.name != "sqlite":
        return
    found = sa.select(sa.literal("delete"), search.c.id, search.c.tokens).where(which)
    connection.execute(_words.insert().from_select(["search_words", "rowid", "tokens"], found))
    connection.execute(meta.update().where(meta.c.key == COMPACTED).values(value="0"))

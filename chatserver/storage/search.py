"""Full-text search over the messages that a user may read.

The index proposes candidates in the rooms of the reader (`search_candidates.py`). Filters and the
text itself are checked for each of them, so that both databases find the same.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.clocks import NODE_CLOCK_DIFFERENCE
from chatserver.errors import BadRequest, _
from chatserver.models import EventKind, name_key
from chatserver.storage.display_names import accounts_displayed
from chatserver.storage.engine import Database
from chatserver.storage.readers import Share
from chatserver.storage.search_candidates import READABLE, Terms, candidates
from chatserver.storage.search_index import search
from chatserver.storage.slices import compute_in_slices
from chatserver.storage.tables import events, members, rooms, users
from chatserver.storage.throttling import throttled
from chatserver.text.attached_files import searched_text
from chatserver.text.names import room_key
from chatserver.text.search_query import Query, has_attached, holds, index_terms
from chatserver.text.search_terms import fold, room_token, sender_token

CANDIDATE_CHUNKS = (64, 512, 2_048, 2_048)  # candidates of each step; then the page ends early
MAX_COMPARED_CHARS = 1_000_000  # of texts for one page; then it ends early, too
TEXTS_PER_READ = 128  # texts read at once
TITLES_PER_READ = 200  # of rooms, read and compared at once
MAX_ROOM_DIGITS = 16  # of a room's number at most
MAX_INDEXED_TERMS = 64  # rooms or users in the query of the index; more are filtered
NEWEST = 2**53  # above every id


@dataclass(frozen=True, slots=True)
class Hit:
    room: int
    seq: int
    user: str
    data: str
    at: int
    edited_at: int | None
    files: str  # a JSON array, or ""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Messages, newest first. `position` asks for those that follow; None when `more` is false.

    The work for one page is bounded: it may have fewer hits than its limit, or none, and `more`.
    """

    hits: list[Hit]
    more: bool
    position: int | None


# Finding -----------------------------------------------------------------------------------------


class Search:
    """Finds messages in the rooms that a user may read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, user_id: int, query: Query, *, before: int | None = None, limit: int = 50
    ) -> SearchPage:
        """Return the newest `limit` matches, or those that follow the position `before`.

        Raises BadRequest for a user or a room in the query that this reader cannot see.
        """
        async with self._database.reading(Share.HEAVY) as connection:
            resolved = await _plan(connection, user_id, query)
            below = resolved.below if before is None else min(max(before, 0), resolved.below)
            return await _collect(connection, resolved, below, limit)


@dataclass(frozen=True, slots=True)
class _ResolvedQuery:
    """A query resolved for its reader; it searches the ids `least` <= id < `below`."""

    query: Query
    user_id: int
    rooms: frozenset[int]
    senders: frozenset[int] | None
    least: int
    below: int
    terms: Terms


async def _plan(connection: AsyncConnection, user_id: int, query: Query) -> _ResolvedQuery:
    numbers = await _rooms(connection, user_id, query.room)
    senders = None if query.sender is None else await _senders(connection, query.sender)
    terms = index_terms(query)
    if senders is not None and len(senders) <= MAX_INDEXED_TERMS:
        terms.append([sender_token(number) for number in sorted(senders)])
    if len(numbers) <= MAX_INDEXED_TERMS:
        terms.append([room_token(number) for number in sorted(numbers)])
    least, below = 0, NEWEST
    if query.after is not None:
        least = await _id_at(connection, query.after - NODE_CLOCK_DIFFERENCE)
    if query.before is not None:
        below = await _id_at(connection, query.before + NODE_CLOCK_DIFFERENCE)
    return _ResolvedQuery(query, user_id, numbers, senders, least, below, terms)


async def _collect(
    connection: AsyncConnection, resolved: _ResolvedQuery, below: int, limit: int
) -> SearchPage:
    """Verify candidates from `below` downwards, in growing chunks, until the page is full."""
    found: list[sa.Row[Any]] = []
    remaining = MAX_COMPARED_CHARS
    for size in CANDIDATE_CHUNKS:
        ids = await candidates(
            connection, resolved.user_id, resolved.terms, (resolved.least, below), size
        )
        async with aclosing(_verified(connection, resolved, ids)) as verified:
            async for slice_ in verified:
                found += slice_.matching
                remaining -= slice_.characters
                if len(found) > limit:
                    return SearchPage(
                        [_hit(row) for row in found[:limit]], True, found[limit - 1].id
                    )
                if remaining <= 0:
                    return SearchPage([_hit(row) for row in found], True, slice_.last)
        if len(ids) < size:
            return SearchPage([_hit(row) for row in found], False, None)
        below = ids[-1]
    return SearchPage([_hit(row) for row in found], True, below)


class _Slice(NamedTuple):
    """Candidates that were compared with the query in one slice; `last` is the oldest id."""

    matching: list[sa.Row[Any]]
    characters: int
    last: int


async def _verified(
    connection: AsyncConnection, resolved: _ResolvedQuery, ids: Sequence[int]
) -> AsyncGenerator[_Slice]:
    """Read candidates and compare their texts with the query."""
    for start in range(0, len(ids), TEXTS_PER_READ):
        some = ids[start : start + TEXTS_PER_READ]
        rows = list(await connection.execute(_DETAILS, {"ids": some, "me": resolved.user_id}))
        async for slice_ in compute_in_slices(partial(_verify, resolved), rows):
            yield slice_


def _verify(resolved: _ResolvedQuery, rows: Sequence[sa.Row[Any]]) -> _Slice:
    query, matching, characters = resolved.query, [], 0
    for row in rows:
        if not _passes(resolved, row):
            continue
        text = fold(searched_text(row.body, row.files)) if query.pieces else ""
        characters += len(text)
        if holds(query.pieces, text) and has_attached(query, row.body, row.files):
            matching.append(row)
    return _Slice(matching, characters, rows[-1].id)


def _passes(resolved: _ResolvedQuery, row: sa.Row[Any]) -> bool:
    """Apply filters here, because a database would start from them instead of from the ids."""
    query = resolved.query
    return (
        row.room_id in resolved.rooms
        and (resolved.senders is None or row.user_id in resolved.senders)
        and (query.after is None or row.at >= query.after)
        and (query.before is None or row.at < query.before)
    )


def _hit(row: sa.Row[Any]) -> Hit:
    return Hit(row.room_id, row.seq, row.user, row.body, row.at, row.edited_at, row.files or "")


_SAME_MESSAGE = sa.and_(events.c.room_id == search.c.room_id, events.c.seq == search.c.seq)
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
        events.c.files,
    )
    .join_from(search, events, _SAME_MESSAGE)
    .join(users, users.c.id == events.c.user_id)
    .where(search.c.id.in_(sa.bindparam("ids", expanding=True)))
    .where(READABLE.where(members.c.room_id == events.c.room_id).exists())
    .where(events.c.kind == EventKind.MESSAGE, events.c.deleted_at.is_(None))
    .order_by(search.c.id.desc())
)


async def _rooms(connection: AsyncConnection, user_id: int, wanted: str | None) -> frozenset[int]:
    """Return the rooms to search: all readable ones, that of the name or number, or by title.

    Case is folded in Python because the databases differ.
    """
    if wanted is None:
        return frozenset(await connection.scalars(READABLE, {"me": user_id}))
    readable = READABLE.join(rooms, rooms.c.id == members.c.room_id)
    number = int(wanted) if wanted.isdecimal() and len(wanted) <= MAX_ROOM_DIGITS else 0
    key = room_key(wanted)
    named = readable.where(
        sa.or_(rooms.c.name == key, rooms.c.private_name == key, rooms.c.id == number)
    )
    if found := frozenset(await connection.scalars(named, {"me": user_id})):
        return found
    if found := await _rooms_titled(connection, user_id, wanted):
        return found
    raise BadRequest(_("You are not in a room called %(room)s."), room=wanted)


async def _senders(connection: AsyncConnection, name: str) -> frozenset[int]:
    """Return the account of that name, or else all accounts with that display name."""
    by_name = sa.select(users.c.id).where(users.c.name_key == name_key(name))
    if found := frozenset(await connection.scalars(by_name)):
        return found
    if found := await accounts_displayed(connection, name):
        return found
    raise BadRequest(_("No one here is called %(name)s."), name=name)


async def _rooms_titled(connection: AsyncConnection, user_id: int, title: str) -> frozenset[int]:
    """Return the readable rooms of this title, read and compared in batches."""
    folded, found, last = fold(title), frozenset[int](), 0
    while folded:
        rows = list(await connection.execute(_TITLES, {"me": user_id, "last": last}))
        async with throttled():
            found |= await asyncio.to_thread(_titled, rows, folded)
        if len(rows) < TITLES_PER_READ:
            break
        last = rows[-1][0]
    return found


def _titled(rows: Iterable[Any], folded: str) -> frozenset[int]:
    return frozenset(row[0] for row in rows if fold(row[1]) == folded)


_TITLES = (
    READABLE.join(rooms, rooms.c.id == members.c.room_id)
    .add_columns(rooms.c.title)
    .where(members.c.room_id > sa.bindparam("last"))
    .order_by(members.c.room_id)
    .limit(TITLES_PER_READ)
)


async def _id_at(connection: AsyncConnection, at: int) -> int:
    """Return about the first id of that time, by bisection, because ids grow with time."""
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

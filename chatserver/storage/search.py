"""Full-text search over the messages that a user may read.

The index proposes candidates in the rooms of the reader (`search_candidates.py`), and the index of
the texts of files does too (`search_file_texts.py`). Filters and the text itself are checked for
each of them, so that both databases find the same.

A connection is held for single statements only: others search while texts are compared.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.clocks import NODE_CLOCK_DIFFERENCE
from chatserver.models import EventKind
from chatserver.storage.engine import Database
from chatserver.storage.readers import Share
from chatserver.storage.search_candidates import READABLE, Terms, candidates
from chatserver.storage.search_file_texts import (
    FoundIn,
    TextCandidates,
    find_in_texts,
    is_attached,
    text_candidates,
)
from chatserver.storage.search_filters import find_senders, rooms_to_search
from chatserver.storage.search_index import search
from chatserver.storage.search_page import Match, Matches, Page, Slice
from chatserver.storage.slices import compute_in_slices, text_length
from chatserver.storage.tables import events, members, users
from chatserver.text.attached_files import searched_text
from chatserver.text.search_query import Query, has_attached, holds, index_terms, text_terms
from chatserver.text.search_terms import fold, room_token, sender_token

CANDIDATE_CHUNKS = (64, 512, 2_048, 2_048)  # candidates of each step; then the page ends early
TEXTS_PER_READ = 128  # texts read at once
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
    found_in: FoundIn | None  # unless the message itself matches


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Messages, newest first. `position` asks for those that follow; None when `more` is false.

    A page is bounded in work and size: it may have fewer hits than its limit, or none, and `more`.
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

        They are read again at the end, as the reader may read them then: a search can take seconds.
        Raises BadRequest for a user or a room in the query that this reader cannot see.
        """
        resolved = await self._resolve(user_id, query)
        below = resolved.below if before is None else min(max(before, 0), resolved.below)
        found, position = await self._collect(resolved, below, Matches(limit))
        places = {match.id: match.found_in for match in found}
        rows = await self._details(user_id, [*places]) if found else []
        hits = [_hit(row, places[row.id]) for row in rows if _is_still_there(row, places[row.id])]
        return SearchPage(hits, position is not None, position)

    async def _resolve(self, user_id: int, query: Query) -> "_ResolvedQuery":
        numbers = await rooms_to_search(self._database, user_id, query.room)
        senders = None if query.sender is None else await find_senders(self._database, query.sender)
        own: Terms = []
        if senders is not None and len(senders) <= MAX_INDEXED_TERMS:
            own.append([sender_token(number) for number in sorted(senders)])
        if len(numbers) <= MAX_INDEXED_TERMS:
            own.append([room_token(number) for number in sorted(numbers)])
        least = 0 if query.after is None else await self._id_at(query.after - NODE_CLOCK_DIFFERENCE)
        below = NEWEST
        if query.before is not None:
            below = await self._id_at(query.before + NODE_CLOCK_DIFFERENCE)
        terms = [*index_terms(query), *own]
        in_texts = [*text_terms(query), *own] if query.pieces else []
        bounds = (least, below)
        return _ResolvedQuery(query, user_id, numbers, senders, *bounds, terms, in_texts)

    async def _id_at(self, at: int) -> int:
        async with self._database.reading(Share.HEAVY) as connection:
            return await _id_at(connection, at)

    async def _collect(self, resolved: "_ResolvedQuery", below: int, collected: Matches) -> Page:
        """Verify candidates from `below` downwards, in growing chunks, until the page is full."""
        for size in CANDIDATE_CHUNKS:
            ids, texts = await self._candidates(resolved, below, size)
            async with aclosing(self._verified(resolved, ids, texts)) as verified:
                async for slice_ in verified:
                    if page := collected.add(slice_):
                        return page
            if len(ids) < size and not texts.least:
                return collected.until(None)
            below = ids[-1]
        return collected.until(below)

    async def _candidates(
        self, resolved: "_ResolvedQuery", below: int, size: int
    ) -> tuple[list[int], TextCandidates]:
        """Return ids of messages, newest first, that match or have a text that does."""
        bounds, reader = (resolved.least, below), resolved.user_id
        async with self._database.reading(Share.HEAVY) as connection:
            ids = await candidates(connection, reader, resolved.terms, bounds, size)
            texts = await text_candidates(connection, reader, resolved.text_terms, bounds, size)
        both = {*ids, *texts.by_message}
        return sorted((one for one in both if one > texts.least), reverse=True)[:size], texts

    async def _verified(
        self, resolved: "_ResolvedQuery", ids: Sequence[int], texts: TextCandidates
    ) -> AsyncGenerator[Slice]:
        """Read candidates and compare their texts, and those of their files, with the query."""
        for start in range(0, len(ids), TEXTS_PER_READ):
            rows = await self._details(resolved.user_id, ids[start : start + TEXTS_PER_READ])
            async for slice_ in compute_in_slices(partial(_verify, resolved, texts), rows):
                async for part in self._with_texts(resolved.query, slice_, texts):
                    yield part

    async def _with_texts(
        self, query: Query, slice_: Slice, texts: TextCandidates
    ) -> AsyncGenerator[Slice]:
        """Yield a slice in several, in which the texts of files are compared too."""
        matching = slice_.matching
        for row in slice_.unread:
            ids = sorted(texts.by_message[row.id])
            found, characters = await find_in_texts(self._database, query, row.files or "", ids)
            newer = [match for match in matching if match.id > row.id]
            matching = matching[len(newer) :]
            if found is not None:
                newer.append(Match(row.id, text_length(row) + len(found.text), found))
            yield Slice(newer, characters, row.id)
        yield Slice(matching, slice_.characters, slice_.last)

    async def _details(self, user_id: int, ids: Sequence[int]) -> list[sa.Row[Any]]:
        async with self._database.reading(Share.HEAVY) as connection:
            return list(await connection.execute(_DETAILS, {"ids": ids, "me": user_id}))


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
    text_terms: Terms  # of the texts of files; empty if they are not searched


def _verify(resolved: _ResolvedQuery, texts: TextCandidates, rows: Sequence[sa.Row[Any]]) -> Slice:
    query, matching, unread, characters = resolved.query, list[Match](), [], 0
    for row in rows:
        characters += text_length(row)
        if not _passes(resolved, row):
            continue
        text = fold(searched_text(row.body, row.files)) if query.pieces else ""
        characters += max(0, len(text) - text_length(row))  # compatibility forms are longer
        if not has_attached(query, row.body, row.files):
            continue
        if holds(query.pieces, text):
            matching.append(Match(row.id, text_length(row)))
        elif row.id in texts.by_message:
            unread.append(row)
    return Slice(matching, characters, rows[-1].id, unread)


def _passes(resolved: _ResolvedQuery, row: sa.Row[Any]) -> bool:
    """Apply filters here, because a database would start from them instead of from the ids."""
    query = resolved.query
    return (
        row.room_id in resolved.rooms
        and (resolved.senders is None or row.user_id in resolved.senders)
        and (query.after is None or row.at >= query.after)
        and (query.before is None or row.at < query.before)
    )


def _is_still_there(row: sa.Row[Any], found_in: FoundIn | None) -> bool:
    """Whether a file whose text was found is still in its message: it may have been edited."""
    return found_in is None or is_attached(row.files, found_in)


def _hit(row: sa.Row[Any], found_in: FoundIn | None) -> Hit:
    own = (row.room_id, row.seq, row.user, row.body, row.at, row.edited_at, row.files or "")
    return Hit(*own, found_in)


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

"""Candidates of a search: ids of messages that the reader may read and whose tokens match.

Membership is part of each query. A page ends, and another one follows, depending on the number of
candidates, so one message in a room of others would show that a word was said there.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import match
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.storage.search_index import pending, search, words
from chatserver.storage.tables import members

Terms = list[list[str]]  # one of each must be there

READABLE = sa.select(members.c.room_id).where(
    members.c.user_id == sa.bindparam("me"), members.c.left_at.is_(None)
)


def _readable(room: sa.ColumnElement[int]) -> sa.Exists:
    """Correlated, as SQLite would begin with the rooms of an IN (SELECT ...) and read all."""
    return READABLE.where(members.c.room_id == room).correlate_except(members).exists()


# A scalar subquery, as SQLite would begin a join with the ids and read all of `search`.
_waiting_id = (
    sa.select(search.c.id)
    .where(search.c.room_id == pending.c.room_id, search.c.seq == pending.c.seq)
    .correlate(pending)
    .scalar_subquery()
)
_waiting = (
    sa.select(_waiting_id.label("id")).where(_readable(pending.c.room_id)).subquery("waiting")
)
_WAITING = sa.select(_waiting.c.id)


async def candidates(
    connection: AsyncConnection, user_id: int, terms: Terms, ids: tuple[int, int], size: int
) -> list[int]:
    """The newest `size` ids whose tokens answer the terms, or wait to be indexed, newest first.

    `ids`: the first one that may be returned, and the one behind the last. Those that wait are read
    first: what is indexed between the two queries is found by either.
    """
    if not all(terms):
        return []
    held = _held_sqlite if connection.dialect.name == "sqlite" else _held_mysql
    known = held(terms) if terms else sa.select(search.c.id)
    found: set[int] = set()
    for query in (_WAITING, known.where(_readable(search.c.room_id))):
        some = _newest(query, ids, size)
        found |= set(await connection.scalars(some, {"me": user_id}))
    return sorted(found, reverse=True)[:size]


def _newest(query: sa.Select[Any], ids: tuple[int, int], size: int) -> sa.Select[Any]:
    number = query.selected_columns[0]
    some = query.where(number >= ids[0], number < ids[1])
    return some.order_by(number.desc()).limit(size)


# What the databases disagree on ------------------------------------------------------------------


def _held_sqlite(terms: Terms) -> sa.Select[Any]:
    asked = " AND ".join(f"({' OR '.join(choice)})" for choice in terms)
    matched = words.c.search_words.op("MATCH", is_comparison=True)(asked)
    joined = words.join(search, search.c.id == words.c.rowid)
    return sa.select(words.c.rowid).select_from(joined).where(matched)


def _held_mysql(terms: Terms) -> sa.Select[Any]:
    asked = " ".join(f"+({' '.join(choice)})" for choice in terms)
    return sa.select(search.c.id).where(match(search.c.tokens, against=asked).in_boolean_mode())

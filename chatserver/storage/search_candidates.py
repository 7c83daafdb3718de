"""Candidates of a search: ids of messages that the reader may read and whose tokens match.

Membership is part of each query. The number of candidates decides where a page ends, so a candidate
in a room that the reader cannot access would reveal that it contains a word.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import match
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.storage.members import IS_MEMBER
from chatserver.storage.search_index import pending, search, words
from chatserver.storage.tables import members
from chatserver.text.search_terms import ROOM

RECENT = 20_000  # newest ids that are scanned on MySQL before the index is used

Terms = list[list[str]]  # a conjunction of alternatives

# Of members only: a former member finds nothing, also where `rooms.leavers_read` permits to read.
READABLE = sa.select(members.c.room_id).where(members.c.user_id == sa.bindparam("me"), IS_MEMBER)


def is_readable(room: sa.ColumnElement[int]) -> sa.Exists:
    """Correlated, because SQLite would start from the rooms of an IN (SELECT ...) and read all."""
    return READABLE.where(members.c.room_id == room).correlate_except(members).exists()


# A scalar subquery, because SQLite would start a join from the ids and read all of `search`.
_waiting_id = (
    sa.select(search.c.id)
    .where(search.c.room_id == pending.c.room_id, search.c.seq == pending.c.seq)
    .correlate(pending)
    .scalar_subquery()
)
_waiting = (
    sa.select(_waiting_id.label("id")).where(is_readable(pending.c.room_id)).subquery("waiting")
)
_WAITING = sa.select(_waiting.c.id)


async def candidates(
    connection: AsyncConnection, user_id: int, terms: Terms, ids: tuple[int, int], size: int
) -> list[int]:
    """Return the newest `size` ids whose tokens match the terms or are pending, newest first.

    `ids`: lower bound (inclusive) and upper bound (exclusive). Pending ids are read first, so that
    a message that is indexed between the two queries is found by at least one of them.
    """
    if not all(terms):
        return []
    me = {"me": user_id}
    found = set(await connection.scalars(_newest(_WAITING, ids, size), me))
    if connection.dialect.name == "sqlite" or not terms:
        known = _matches_sqlite(terms) if terms else sa.select(search.c.id)
        some = _newest(known.where(is_readable(search.c.room_id)), ids, size)
        found |= set(await connection.scalars(some, me))
    else:
        found |= set(await _candidates_of_mysql(connection, me, terms, ids, size))
    return sorted(found, reverse=True)[:size]


def _newest(query: sa.Select[Any], ids: tuple[int, int], size: int) -> sa.Select[Any]:
    number = query.selected_columns[0]
    some = query.where(number >= ids[0], number < ids[1])
    return some.order_by(number.desc()).limit(size)


# Dialects ----------------------------------------------------------------------------------------


def fts5_expression(terms: Terms) -> str:
    return " AND ".join(f"({' OR '.join(choice)})" for choice in terms)


def boolean_expression(terms: Terms) -> str:
    """Return the terms in MySQL's boolean mode."""
    return " ".join(f"+({' '.join(choice)})" for choice in terms)


def _matches_sqlite(terms: Terms) -> sa.Select[Any]:
    matched = words.c.search_words.op("MATCH", is_comparison=True)(fts5_expression(terms))
    joined = words.join(search, search.c.id == words.c.rowid)
    return sa.select(words.c.rowid).select_from(joined).where(matched)


async def _candidates_of_mysql(
    connection: AsyncConnection,
    me: dict[str, int],
    terms: Terms,
    ids: tuple[int, int],
    size: int,
) -> Sequence[int]:
    """Scan the newest messages before using the index.

    InnoDB collects all matches of a word before it returns the first one, which takes seconds for
    a word that is in every message. For such a word the newest messages suffice.
    """
    newest = await connection.scalar(_NEWEST, {"below": ids[1]}) or 0
    least = max(ids[0], newest - RECENT)
    readable = is_readable(search.c.room_id)
    recent = sa.select(search.c.id).where(*map(_any_of, terms), readable)
    found = (await connection.scalars(_newest(recent, (least, ids[1]), size), me)).all()
    if len(found) >= size or least == ids[0]:
        return found
    return (
        await connection.scalars(_newest(_matches_mysql(terms).where(readable), ids, size), me)
    ).all()


def _any_of(choice: list[str]) -> sa.ColumnElement[bool]:
    return sa.or_(*map(_holds, choice))


def _holds(token: str) -> sa.ColumnElement[bool]:
    """Match a token as the index does; one that ends in * is a prefix."""
    if token.startswith(ROOM):
        return search.c.room_id == int(token.removeprefix(ROOM))
    pattern = f" {token.removesuffix('*')}" if token.endswith("*") else f" {token} "
    return sa.func.concat(" ", search.c.tokens, " ").contains(pattern, autoescape=True)


_NEWEST = sa.select(sa.func.max(search.c.id)).where(search.c.id < sa.bindparam("below"))


def _matches_mysql(terms: Terms) -> sa.Select[Any]:
    return sa.select(search.c.id).where(
        match(search.c.tokens, against=boolean_expression(terms)).in_boolean_mode()
    )

"""Rooms and senders that the filters of a search name, as its reader sees them."""

import asyncio
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from chatserver.errors import BadRequest, _
from chatserver.models import name_key
from chatserver.storage.display_names import accounts_displayed
from chatserver.storage.engine import Database
from chatserver.storage.readers import Share
from chatserver.storage.search_candidates import READABLE
from chatserver.storage.tables import members, rooms, users
from chatserver.storage.throttling import throttled
from chatserver.text.names import room_key
from chatserver.text.search_terms import fold

TITLES_PER_READ = 200  # of rooms, read and compared at once
MAX_ROOM_DIGITS = 16  # of a room's number at most


async def rooms_to_search(database: Database, user_id: int, wanted: str | None) -> frozenset[int]:
    """Return the rooms to search: all readable ones, that of the name or number, or by title.

    Case is folded in Python because the databases differ. Raises BadRequest without such a room.
    """
    query = READABLE if wanted is None else _named(wanted)
    async with database.reading(Share.HEAVY) as connection:
        found = frozenset(await connection.scalars(query, {"me": user_id}))
    if wanted is None or found:
        return found
    if found := await _rooms_titled(database, user_id, wanted):
        return found
    raise BadRequest(_("You are not in a room called %(room)s."), room=wanted)


async def find_senders(database: Database, name: str) -> frozenset[int]:
    """Return the account of that name, or else all accounts with that display name.

    Raises BadRequest without such an account.
    """
    by_name = sa.select(users.c.id).where(users.c.name_key == name_key(name))
    async with database.reading(Share.HEAVY) as connection:
        found = frozenset(await connection.scalars(by_name))
        found = found or await accounts_displayed(connection, name)
    if not found:
        raise BadRequest(_("No one here is called %(name)s."), name=name)
    return found


def _named(wanted: str) -> sa.Select[Any]:
    """Return the query of the readable room of that name or number."""
    number = int(wanted) if wanted.isdecimal() and len(wanted) <= MAX_ROOM_DIGITS else 0
    key = room_key(wanted)
    return READABLE.join(rooms, rooms.c.id == members.c.room_id).where(
        sa.or_(rooms.c.name == key, rooms.c.private_name == key, rooms.c.id == number)
    )


async def _rooms_titled(database: Database, user_id: int, title: str) -> frozenset[int]:
    """Return the readable rooms of this title, read and compared in batches."""
    folded, found, last = fold(title), frozenset[int](), 0
    while folded:
        async with database.reading(Share.HEAVY) as connection:
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

"""Immutable facts of rooms, and the direct rooms of pairs of users, inside a transaction."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import RoomFacts, RoomKind
from chatserver.storage.bulk import KeyLookup
from chatserver.storage.members import member_row
from chatserver.storage.tables import members, rooms, users

Pair = tuple[tuple[int, str], ...]  # id and name of the members of a direct room, by id

FACTS = sa.select(rooms.c.id, rooms.c.kind, rooms.c.pair_key)
_BY_ID = KeyLookup(FACTS, rooms.c.id)
_BY_PAIR = KeyLookup(sa.select(rooms.c.id, rooms.c.pair_key), rooms.c.pair_key)
_NAMES = KeyLookup(sa.select(users.c.id, users.c.name), users.c.id)


def room_facts(connection: Connection, numbers: Collection[int]) -> dict[int, RoomFacts]:
    """Return facts by room, without rooms that do not exist."""
    found = _BY_ID.rows(connection, sorted(numbers))
    names = pair_names(connection, found)
    return {row.id: facts_of(row, names) for row in found}


def pair_names(connection: Connection, found: Iterable[Any]) -> dict[int, str]:
    """Return the names of the members of direct rooms among these rows of FACTS, by user id."""
    wanted = {user_id for row in found for user_id in _pair_ids(row.pair_key)}
    return {row.id: row.name for row in _NAMES.rows(connection, sorted(wanted))}


def facts_of(row: Any, names: Mapping[int, str]) -> RoomFacts:
    """Convert a row of FACTS."""
    pair = tuple((user_id, names[user_id]) for user_id in _pair_ids(row.pair_key))
    return RoomFacts(row.id, RoomKind(row.kind), pair)


def direct_rooms(connection: Connection, pairs: Collection[Pair], now: int) -> dict[Pair, int]:
    """Return the direct room of each pair, after creating those that do not exist.

    Raises IntegrityError if another node creates one at the same time.
    """
    keys = {pair_key(user_id for user_id, _name in pair): pair for pair in pairs}
    found = _by_pair(connection, keys)
    new = {key: pair for key, pair in keys.items() if key not in found}
    if new:
        connection.execute(rooms.insert(), [_room(key, pair, now) for key, pair in new.items()])
        made = _by_pair(connection, new)
        joined = [(made[key], user_id) for key, pair in new.items() for user_id, _name in pair]
        connection.execute(members.insert(), [member_row(*one, now) for one in joined])
        found |= made
    return {pair: found[key] for key, pair in keys.items()}


def find_direct_rooms(connection: Connection, pairs: Collection[Pair]) -> dict[Pair, int]:
    """Return the direct rooms of these pairs that exist."""
    keys = {pair_key(user_id for user_id, _name in pair): pair for pair in pairs}
    return {keys[key]: room for key, room in _by_pair(connection, keys).items()}


def pair_key(user_ids: Iterable[int]) -> str:
    """Return the unique key of a direct room: both user ids, the lower one first."""
    return ":".join(str(user_id) for user_id in sorted(user_ids))


def _pair_ids(key: str | None) -> list[int]:
    return [int(part) for part in key.split(":")] if key else []


def _by_pair(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    return {row.pair_key: row.id for row in _BY_PAIR.rows(connection, sorted(keys))}


def _room(key: str, pair: Pair, now: int) -> dict[str, Any]:
    return {
        "kind": RoomKind.DIRECT,
        "title": "",
        "topic": "",
        "private": True,
        "head": 0,
        "members": len(pair),
        "created_by": pair[0][0],
        "created_at": now,
        "pair_key": key,
    }

"""The rooms of a user, however many: the most relevant ones first, the others page by page."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import LOBBY, Kind, RoomState
from chatserver.protocol import ROOMS_LIMIT
from chatserver.storage.room_summary import read_states, room_state
from chatserver.storage.tables import events, members, rooms
from chatserver.storage.unread import ME

BATCH_SIZE = 100  # rooms that are read in one statement


class UserRooms(NamedTuple):
    """`heads` are those of all rooms by number; `states` are at most ROOMS_LIMIT of them.

    All of them by number; or, when there are more, the lobby, those with unread messages, and those
    with the newest events, in this order.
    """

    heads: dict[int, int]
    states: list[RoomState]

    @property
    def more(self) -> bool:
        return len(self.heads) > len(self.states)


def rooms_of(connection: Connection, people: Sequence[int]) -> dict[int, UserRooms]:
    """The rooms of each of these users, without those who have none."""
    crowded = set(connection.scalars(_CROWDED, {"people": people}))
    found: dict[int, list[Any]] = {}
    for row in read_states(connection, [one for one in people if one not in crowded]):
        found.setdefault(row.me, []).append(row)
    return {
        **{user_id: _all(rows) for user_id, rows in found.items()},
        **{user_id: _most_relevant(connection, user_id) for user_id in crowded},
    }


def _all(rows: Sequence[Any]) -> UserRooms:
    """Sorted here: for an order by room MariaDB would look at every member there is."""
    states = [room_state(row) for row in sorted(rows, key=lambda row: row.id)]
    return UserRooms({one.room: one.head for one in states}, states)


def _most_relevant(connection: Connection, user_id: int) -> UserRooms:
    first = list(connection.scalars(_RELEVANT, {"user": user_id}))
    states = _read(connection, user_id, first)
    known = heads(connection, user_id)
    return UserRooms(known | {one.room: one.head for one in states}, states)


def _read(connection: Connection, user_id: int, numbers: Sequence[int]) -> list[RoomState]:
    """In that order. Some at a time, so that the event loop has its turn in between."""
    found: dict[int, RoomState] = {}
    for start in range(0, len(numbers), BATCH_SIZE):
        rows = read_states(connection, [user_id], numbers[start : start + BATCH_SIZE])
        found |= {row.id: room_state(row) for row in rows}
    return [found[number] for number in numbers if number in found]


def heads(connection: Connection, user_id: int) -> dict[int, int]:
    """Of all rooms of a user, as one value: thousands of rows would hold the event loop."""
    as_object = _HEADS_SQLITE if connection.dialect.name == "sqlite" else _HEADS
    return msgspec.json.decode(connection.scalar(as_object, {"user": user_id}), type=dict[int, int])


def rooms_after(
    connection: Connection, user_id: int, after: int, exclude: Collection[int]
) -> tuple[list[RoomState], int | None]:
    """The next rooms of a user by number, without some; behind which to go on, if there is more."""
    query = (
        sa.select(members.c.room_id)
        .where(members.c.user_id == user_id, members.c.left_at.is_(None))
        .where(members.c.room_id > after, members.c.room_id.not_in(sorted(exclude)))
        .order_by(members.c.room_id)
        .limit(ROOMS_LIMIT + 1)
    )
    numbers = list(connection.scalars(query))
    page = numbers[:ROOMS_LIMIT]
    return _read(connection, user_id, page), page[-1] if len(numbers) > len(page) else None


_OF_PEOPLE = sa.and_(
    ME.c.user_id.in_(sa.bindparam("people", expanding=True)), ME.c.left_at.is_(None)
)
_CROWDED = (
    sa.select(ME.c.user_id)
    .where(_OF_PEOPLE)
    .group_by(ME.c.user_id)
    .having(sa.func.count() > sa.literal_column(str(ROOMS_LIMIT)))
)
_MINE = sa.and_(ME.c.user_id == sa.bindparam("user"), ME.c.left_at.is_(None))
_newest = events.alias("newest")
# Read backwards: the newest message of another member decides.
_NEWEST_OF_OTHERS = (
    sa.select(events.c.seq)
    .where(events.c.room_id == ME.c.room_id, events.c.kind == Kind.MESSAGE)
    .where(events.c.user_id != ME.c.user_id, events.c.deleted_at.is_(None))
    .order_by(events.c.seq.desc())
    .limit(sa.literal_column("1"))
    .scalar_subquery()
)
_UNREAD = sa.case((rooms.c.head > ME.c.read_seq, ME.c.read_seq < _NEWEST_OF_OTHERS))
_RELEVANT = (
    sa.select(rooms.c.id)
    .join_from(ME, rooms, rooms.c.id == ME.c.room_id)
    .outerjoin(_newest, sa.and_(_newest.c.room_id == rooms.c.id, _newest.c.seq == rooms.c.head))
    .where(_MINE)
    .order_by(
        sa.case((rooms.c.id == LOBBY, 0), else_=1),
        sa.func.coalesce(_UNREAD, sa.literal_column("0")).desc(),
        sa.func.coalesce(_newest.c.at, rooms.c.created_at).desc(),
        rooms.c.id.desc(),
    )
    .limit(sa.literal_column(str(ROOMS_LIMIT)))
)


def _as_object(function: Any) -> sa.Select[Any]:
    query = sa.select(function(rooms.c.id, rooms.c.head, type_=sa.Text))
    return query.join_from(ME, rooms, rooms.c.id == ME.c.room_id).where(_MINE)


_HEADS_SQLITE = _as_object(sa.func.json_group_object)
_HEADS = _as_object(sa.func.json_objectagg)

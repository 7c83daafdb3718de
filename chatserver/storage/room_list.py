"""The rooms of a user, however many: the most relevant ones first, the others page by page.

A statement reads at most BATCH_SIZE rooms, and at most MAX_SCANNED messages to count the unread
ones, unless that is less than MIN_SCANNED of each room.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import LOBBY, EventKind, RoomState
from chatserver.protocol import ROOMS_LIMIT
from chatserver.storage.bulk import KeyLookup
from chatserver.storage.members import is_membership
from chatserver.storage.room_summary import read_states, room_state
from chatserver.storage.tables import events, rooms
from chatserver.storage.unread import MAX_SCANNED, ME, scan_limit

BATCH_SIZE = 200  # rooms in one statement; their rows are built in one turn of the event loop
NEWEST_SCANNED = 100  # newest events of a room in which a message of another member is looked up


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


class ReadCost(NamedTuple):
    """The work of reading a user's rooms: rooms, and events after their read positions."""

    user_id: int
    rooms: int
    unread_events: int


def read_rooms(connection: Connection, user_ids: Sequence[int]) -> dict[int, UserRooms | ReadCost]:
    """Return the rooms of each of these users, without those who have none.

    For a user whose rooms take several statements, the ReadCost is returned instead: `read_large`
    reads them, so that other users need not wait for it.
    """
    costs = [
        ReadCost(row.user_id, row.rooms, int(row.unread_events))
        for row in _COSTS.rows(connection, user_ids)
    ]
    small = [cost for cost in costs if _fits(cost.rooms, cost.unread_events)]
    rooms_by_user: dict[int, UserRooms | ReadCost] = {
        cost.user_id: cost for cost in costs if not _fits(cost.rooms, cost.unread_events)
    }
    for batch in _batches(small):
        rooms_by_user |= _read_users(connection, [cost.user_id for cost in batch])
    return rooms_by_user


def _fits(rooms_in_all: int, unread_events: int) -> bool:
    """Return whether one statement can read so many rooms, and count all their messages."""
    return rooms_in_all <= BATCH_SIZE and unread_events <= MAX_SCANNED


def _batches(costs: Sequence[ReadCost]) -> Iterator[list[ReadCost]]:
    """Split users into those whose rooms are read in one statement."""
    batch: list[ReadCost] = []
    rooms_in_all = unread_events = 0
    for cost in costs:
        rooms_in_all += cost.rooms
        unread_events += cost.unread_events
        if batch and not _fits(rooms_in_all, unread_events):
            yield batch
            batch, rooms_in_all, unread_events = [], cost.rooms, cost.unread_events
        batch.append(cost)
    if batch:
        yield batch


def _read_users(connection: Connection, user_ids: Sequence[int]) -> dict[int, UserRooms]:
    """Return the rooms by user. MariaDB would read all members to sort them, so Python does."""
    states_by_user: dict[int, list[RoomState]] = {}
    for row in sorted(read_states(connection, user_ids), key=lambda row: row.id):
        states_by_user.setdefault(row.me, []).append(room_state(row))
    return {
        user_id: UserRooms(_heads_of(states), states) for user_id, states in states_by_user.items()
    }


def read_large(connection: Connection, cost: ReadCost) -> UserRooms:
    """Return the rooms of one user, BATCH_SIZE in each statement."""
    if cost.rooms > ROOMS_LIMIT:
        relevant = connection.execute(_RELEVANT, {"user": cost.user_id}).all()
        states = _read(connection, cost.user_id, relevant)
        return UserRooms(heads(connection, cost.user_id) | _heads_of(states), states)
    by_number = sorted(connection.execute(_BY_NUMBER, {"user": cost.user_id}).all())
    states = _read(connection, cost.user_id, by_number)
    return UserRooms(_heads_of(states), states)


def _heads_of(states: Sequence[RoomState]) -> dict[int, int]:
    return {state.room: state.head for state in states}


def _read(connection: Connection, user_id: int, selected: Sequence[Any]) -> list[RoomState]:
    """Return these rooms in this order: rows of room and events after the read position."""
    scanned = scan_limit(row.unread_events for row in selected)
    states: dict[int, RoomState] = {}
    for start in range(0, len(selected), BATCH_SIZE):
        numbers = [row.id for row in selected[start : start + BATCH_SIZE]]
        rows = read_states(connection, [user_id], numbers, scanned=scanned)
        states |= {row.id: room_state(row, scanned) for row in rows}
    return [states[row.id] for row in selected if row.id in states]


def heads(connection: Connection, user_id: int) -> dict[int, int]:
    """Read the heads of all rooms of a user as one value: thousands of rows take a long turn."""
    as_object = _HEADS_SQLITE if connection.dialect.name == "sqlite" else _HEADS
    return msgspec.json.decode(connection.scalar(as_object, {"user": user_id}), type=dict[int, int])


def rooms_after(
    connection: Connection, user_id: int, after: int, exclude: Collection[int]
) -> tuple[list[RoomState], int | None]:
    """Return a user's next rooms by id, without `exclude`, and the next page's cursor, if any."""
    query = (
        _BY_NUMBER.where(ME.c.room_id > after, ME.c.room_id.not_in(sorted(exclude)))
        .order_by(ME.c.room_id)
        .limit(ROOMS_LIMIT + 1)
    )
    selected = connection.execute(query, {"user": user_id}).all()
    page = selected[:ROOMS_LIMIT]
    return _read(connection, user_id, page), page[-1].id if len(selected) > len(page) else None


_UNREAD_EVENTS = rooms.c.head - ME.c.read_seq
_COSTS = KeyLookup(
    sa.select(
        ME.c.user_id,
        sa.func.count().label("rooms"),
        sa.func.sum(_UNREAD_EVENTS).label("unread_events"),
    )
    .join_from(ME, rooms, rooms.c.id == ME.c.room_id)
    .where(is_membership(ME))
    .group_by(ME.c.user_id),
    ME.c.user_id,
)
_MINE = sa.and_(ME.c.user_id == sa.bindparam("user"), is_membership(ME))
# No join: by the order of rooms, MariaDB would read all of them.
_HEAD = sa.select(rooms.c.head).where(rooms.c.id == ME.c.room_id).scalar_subquery()
_BY_NUMBER = sa.select(
    ME.c.room_id.label("id"), (_HEAD - ME.c.read_seq).label("unread_events")
).where(_MINE)
_newest = events.alias("newest")
# Read backwards: the newest message of another member decides, or the first one that is too old to
# continue, which counts as unread. A limit of its own would not stop MariaDB's scan.
_NEWEST_OF_OTHERS = (
    sa.select(events.c.seq)
    .where(events.c.room_id == ME.c.room_id, events.c.kind == EventKind.MESSAGE)
    .where(
        sa.or_(
            sa.and_(events.c.user_id != ME.c.user_id, events.c.deleted_at.is_(None)),
            events.c.seq <= rooms.c.head - sa.literal_column(str(NEWEST_SCANNED)),
        )
    )
    .order_by(events.c.seq.desc())
    .limit(sa.literal_column("1"))
    .scalar_subquery()
)
_UNREAD = sa.case((rooms.c.head > ME.c.read_seq, ME.c.read_seq < _NEWEST_OF_OTHERS))
_RELEVANT = (
    sa.select(rooms.c.id, _UNREAD_EVENTS.label("unread_events"))
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

"""Rows of memberships of many users in one room, inside the transaction of the change."""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import EventKind
from chatserver.storage.bulk import BulkDelete, BulkInsert, RowLookup
from chatserver.storage.invitations import revoke_created_by
from chatserver.storage.members import IS_MEMBER, RoomRole, member_row
from chatserver.storage.tables import events, members, rooms, users


def members_of(connection: Connection, room: int, user_ids: Sequence[int]) -> set[int]:
    rows = _PRESENT.rows(connection, [(room, user_id) for user_id in user_ids])
    return {row.user_id for row in rows}


def non_members(
    connection: Connection, room: int, users: Sequence[tuple[int, str]]
) -> list[tuple[int, str]]:
    here = members_of(connection, room, [user_id for user_id, _name in users])
    return [(user_id, name) for user_id, name in users if user_id not in here]


def are_former_members(connection: Connection, room: int, user_ids: Sequence[int]) -> bool:
    """Whether each of these users is or was a member of the room."""
    rows = _EVER.rows(connection, [(room, user_id) for user_id in user_ids])
    return {row.user_id for row in rows} >= set(user_ids)


def insert_members(
    connection: Connection, room: int, user_ids: Sequence[int], now: int, seq: int
) -> None:
    """Insert members, replacing rows of former memberships. Older messages count as read."""
    keys = [(room, user_id) for user_id in user_ids]
    removals = {row.user_id: row.removed_at for row in _REMOVALS.rows(connection, keys)}
    _MEMBERS.delete(connection, keys)
    rows = [
        (*member_row(room, user_id, now, head=seq).values(), removals.get(user_id))
        for user_id in user_ids
    ]
    _MEMBER_ROWS.insert(connection, rows)
    count = rooms.c.members + len(user_ids)
    connection.execute(rooms.update().where(rooms.c.id == room).values(members=count))


def end_memberships(
    connection: Connection,
    room: int,
    user_ids: Sequence[int],
    now: int,
    seq: int,
    *,
    removed: bool,
) -> None:
    """End memberships. The caller appoints an administrator if the last one leaves.

    `removed`: the users were removed; False if they left by themselves.
    """
    gone = sa.and_(members.c.room_id == room, members.c.user_id.in_(user_ids))
    values = {"left_at": now, "left_seq": seq, "role": RoomRole.MEMBER}
    if removed:
        values["removed_at"] = now
    connection.execute(members.update().where(gone).values(**values))
    count = rooms.c.members - len(user_ids)
    connection.execute(rooms.update().where(rooms.c.id == room).values(members=count))
    revoke_created_by(connection, list(user_ids), now, room=room)


def backfill_removals(connection: Connection) -> None:
    """Store the times of removals that older versions did not store.

    The last event of an ended membership is the departure. It counts as ended by a removal unless
    that event says that the member left; a restore may have ended it with any event. Removals of
    users who are members again are found in the log.
    """
    ended = sa.and_(members.c.left_at.is_not(None), members.c.removed_at.is_(None))
    change = members.update().where(ended, ~_own_departure)
    connection.execute(change.values(removed_at=members.c.left_at))
    removals: dict[tuple[int, str], int] = {}
    for event in connection.execute(_REMOVAL_EVENTS):
        for name in json.loads(event.body)["users"]:
            removals[event.room_id, name] = event.at
    for (room, name), at in removals.items():
        user = sa.select(users.c.id).where(users.c.name == name).scalar_subquery()
        own = sa.and_(members.c.room_id == room, members.c.user_id == user)
        own = sa.and_(own, sa.func.coalesce(members.c.removed_at, 0) < at)
        connection.execute(members.update().where(own).values(removed_at=at))


_REMOVAL_EVENTS = (
    sa.select(events.c.room_id, events.c.at, events.c.body)
    .where(events.c.kind == EventKind.ROOM, events.c.body.startswith('{"action": "remove"'))
    .order_by(events.c.room_id, events.c.seq)
)
_own_departure = (
    sa.select(events.c.seq)
    .where(events.c.room_id == members.c.room_id, events.c.seq == members.c.left_seq)
    .where(events.c.user_id == members.c.user_id, events.c.kind == EventKind.ROOM)
    .where(events.c.body.startswith('{"action": "leave"'))
    .correlate(members)
    .exists()
)
_PRESENT = RowLookup(
    sa.select(members.c.user_id).where(IS_MEMBER),
    members.c.room_id,
    members.c.user_id,
)
_REMOVALS = RowLookup(
    sa.select(members.c.user_id, members.c.removed_at).where(members.c.removed_at.is_not(None)),
    members.c.room_id,
    members.c.user_id,
)
_EVER = RowLookup(sa.select(members.c.user_id), members.c.room_id, members.c.user_id)
_MEMBERS = BulkDelete(members, "room_id", "user_id")
_MEMBER_ROWS = BulkInsert(members, *member_row(0, 0, 0), "removed_at")

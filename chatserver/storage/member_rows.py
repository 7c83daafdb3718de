"""Rows of memberships of many users in one room, inside the transaction of the change."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.storage.bulk import BulkDelete, BulkInsert, RowLookup
from chatserver.storage.invitations import revoke_created_by
from chatserver.storage.members import member_row
from chatserver.storage.room_admins import ensure_admins
from chatserver.storage.tables import members, rooms


def members_of(connection: Connection, room: int, user_ids: Sequence[int]) -> set[int]:
    rows = _PRESENT.rows(connection, [(room, user_id) for user_id in user_ids])
    return {row.user_id for row in rows}


def non_members(
    connection: Connection, room: int, people: Sequence[tuple[int, str]]
) -> list[tuple[int, str]]:
    here = members_of(connection, room, [user_id for user_id, _name in people])
    return [(user_id, name) for user_id, name in people if user_id not in here]


def insert_members(
    connection: Connection, room: int, user_ids: Sequence[int], now: int, seq: int
) -> None:
    """Insert members, replacing rows of former memberships. Older messages count as read."""
    _MEMBERS.delete(connection, [(room, user_id) for user_id in user_ids])
    rows = [member_row(room, user_id, now, head=seq) for user_id in user_ids]
    _MEMBER_ROWS.insert(connection, [tuple(row.values()) for row in rows])
    count = rooms.c.members + len(user_ids)
    connection.execute(rooms.update().where(rooms.c.id == room).values(members=count))


def end_memberships(
    connection: Connection, room: int, user_ids: Sequence[int], now: int, seq: int
) -> None:
    """End memberships. If no administrator is left, the oldest member becomes one."""
    gone = sa.and_(members.c.room_id == room, members.c.user_id.in_(user_ids))
    values = {"left_at": now, "left_seq": seq, "role": "member"}
    connection.execute(members.update().where(gone).values(**values))
    count = rooms.c.members - len(user_ids)
    connection.execute(rooms.update().where(rooms.c.id == room).values(members=count))
    revoke_created_by(connection, list(user_ids), now, room=room)
    ensure_admins(connection, [room])


_PRESENT = RowLookup(
    sa.select(members.c.user_id).where(members.c.left_at.is_(None)),
    members.c.room_id,
    members.c.user_id,
)
_MEMBERS = BulkDelete(members, "room_id", "user_id")
_MEMBER_ROWS = BulkInsert(members, *member_row(0, 0, 0))

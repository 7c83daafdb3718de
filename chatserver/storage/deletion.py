"""Deletion of accounts: removes credentials and personal data.

The row of the account remains with its name, so that messages keep their author and the name is not
given to another account. The caller has locked the rooms and the account.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import Forbidden, _
from chatserver.models import LOBBY, Dismiss, Event, Role, RoomKind
from chatserver.storage.apply_room import remove_members
from chatserver.storage.idempotency import new_draft
from chatserver.storage.invitations import revoke_created_by
from chatserver.storage.members import lock_rooms
from chatserver.storage.rights import DELETED
from chatserver.storage.tables import bot_tokens, members, rooms, sessions, users

DISPLAY = "Deleted user"  # stored instead of the display name


def require_not_deleted(account: Row[Any] | None) -> None:
    """Raise Forbidden for the row of a deleted account."""
    if account is not None and account.password_hash == DELETED:
        raise Forbidden(_("This account is deleted."))


def lock_rooms_of(connection: Connection, user_id: int) -> None:
    """Lock all rooms of a user. Messages that are being stored are stored before."""
    own = sa.and_(members.c.user_id == user_id, members.c.left_at.is_(None))
    lock_rooms(connection, connection.scalars(sa.select(members.c.room_id).where(own)))


def groups_of(connection: Connection, user_id: int) -> list[int]:
    """Return the ids of the rooms that a user can leave, in order."""
    query = (
        sa.select(members.c.room_id)
        .join(rooms, rooms.c.id == members.c.room_id)
        .where(members.c.user_id == user_id, members.c.left_at.is_(None))
        .where(rooms.c.kind == RoomKind.GROUP, rooms.c.id != LOBBY)
        .order_by(members.c.room_id)
    )
    return list(connection.scalars(query))


def erase(
    connection: Connection, account: Row[Any], groups: Sequence[int], now: int
) -> list[Event]:
    """Delete an account; return the events with which it leaves these rooms."""
    left = [_leave(connection, account, room, now) for room in groups]
    revoke_created_by(connection, [account.id], now)
    for table in (sessions, bot_tokens):
        connection.execute(table.delete().where(table.c.user_id == account.id))
    values = {
        "display": DISPLAY,
        "locale": "",
        "role": Role.BOT if account.role == Role.BOT else Role.MEMBER,
        "password_hash": DELETED,
        "password_version": users.c.password_version + 1,
        "disabled_at": account.disabled_at or now,
    }
    connection.execute(users.update().where(users.c.id == account.id).values(values))
    return left


def _leave(connection: Connection, account: Row[Any], room: int, now: int) -> Event:
    act = Dismiss("leave", ((account.id, account.name),))
    draft = new_draft(room, account.id, account.name, act)
    return remove_members(connection, draft, act, now)

"""Deletion of accounts: removes credentials and personal data.

The row of the account remains with its name, so that messages keep their author and the name is not
given to another account. The account is unusable at once; its memberships are ended afterwards, a
few in each transaction (`accounts/erasure.py`).
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import Forbidden
from chatserver.file_state import FileState
from chatserver.models import LOBBY, Role, RoomKind
from chatserver.storage.display_names import display_columns
from chatserver.storage.engine import Database
from chatserver.storage.invitations import revoke_created_by
from chatserver.storage.members import IS_MEMBER, lock_rooms
from chatserver.storage.picture_rows import detach_picture
from chatserver.storage.readers import Share
from chatserver.storage.rights import ACCOUNT_DELETED, DELETED
from chatserver.storage.tables import (
    MARKED_FOR_DELETION,
    bot_tokens,
    files,
    members,
    notification_rules,
    rooms,
    sessions,
    users,
)

DISPLAY = "Deleted user"  # stored instead of the display name


def require_not_deleted(account: Row[Any] | None) -> None:
    """Raise Forbidden for the row of a deleted account."""
    if account is not None and account.password_hash == DELETED:
        raise Forbidden(ACCOUNT_DELETED)


def rooms_of(connection: Connection, user_id: int) -> set[int]:
    """Return the ids of all rooms of a user."""
    own = sa.and_(members.c.user_id == user_id, IS_MEMBER)
    return set(connection.scalars(sa.select(members.c.room_id).where(own)))


def lock_rooms_of(connection: Connection, user_id: int) -> set[int]:
    """Lock and return all rooms of a user. Messages that are being stored are stored before."""
    locked = rooms_of(connection, user_id)
    lock_rooms(connection, locked)
    return locked


def erase(connection: Connection, account: Row[Any], now: int) -> None:
    """Delete an account, except its memberships. The caller has locked it."""
    revoke_created_by(connection, [account.id], now)
    for table in (sessions, bot_tokens, notification_rules):
        connection.execute(table.delete().where(table.c.user_id == account.id))
    unsent = files.update().where(files.c.user_id == account.id, files.c.state < FileState.BOUND)
    connection.execute(unsent.values(MARKED_FOR_DELETION))
    detach_picture(connection, account.picture)
    values = {
        **display_columns(DISPLAY),
        "locale": "",
        "picture": None,
        "role": Role.BOT if account.role == Role.BOT else Role.MEMBER,
        "password_hash": DELETED,
        "password_version": users.c.password_version + 1,
        "disabled_at": account.disabled_at or now,
    }
    connection.execute(users.update().where(users.c.id == account.id).values(values))


async def remaining_memberships(
    database: Database, user_id: int | None = None
) -> list[tuple[int, str, int]]:
    """Return the memberships that a deleted account has to end, or those of all deleted accounts.

    As id and name of the account and id of the room. It stays in the lobby and in direct
    conversations.
    """
    query = (
        sa.select(users.c.id, users.c.name, members.c.room_id)
        .join(members, members.c.user_id == users.c.id)
        .join(rooms, rooms.c.id == members.c.room_id)
        .where(users.c.password_hash == DELETED, IS_MEMBER)
        .where(rooms.c.kind == RoomKind.GROUP, rooms.c.id != LOBBY)
        .order_by(users.c.id, members.c.room_id)
    )
    if user_id is not None:
        query = query.where(users.c.id == user_id)
    async with database.reading(Share.COPIES) as connection:
        return [(row[0], row[1], row[2]) for row in await connection.execute(query)]

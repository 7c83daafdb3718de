"""State of a database that a restore replaces, as far as it limits what becomes valid again.

The database may have an older revision: columns that it lacks are unknown.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import Unavailable
from chatserver.models import EventKind
from chatserver.storage.engine import Database
from chatserver.storage.members import RoomRole, is_membership
from chatserver.storage.readers import Share

CREDENTIALS = {"sessions": "id", "bot_tokens": "digest", "invites": "code"}  # can be revoked
ACCOUNT = ("id", "name_key", "created_at", "disabled_at", "role", "password_hash")
ROOM_SETTINGS = ("private", "leavers_read", "receipts", "archived_at", "retention_days")

RoomUser = tuple[int, int]  # ids of a room and a user


@dataclass(frozen=True, slots=True)
class ReplacedState:
    """The present rows, by what identifies them in both databases. Times are ms."""

    revoked: dict[tuple[str, str], int]  # times by table and key
    uses_left: dict[str, int]  # of invitations
    accounts: dict[tuple[int, str, int], Any]  # by id, name key and time of creation
    rooms: dict[tuple[int, int], Any]  # by id and time of creation
    departures: dict[RoomUser, Any]  # ended memberships
    removed: dict[RoomUser, int]  # times of removals
    room_admins: set[RoomUser]
    changed_texts: dict[int, int]  # edited or deleted messages that a backup has, by room


async def read_replaced_state(database: Database, *, made_at: int) -> ReplacedState | None:
    """Return None for a database that does not exist, is empty or cannot be read.

    `made_at` is the time (ms) of the backup.
    """
    if database.path is not None and not database.path.exists():
        return None
    try:
        async with database.reading(Share.COPIES) as connection:
            return await connection.run_sync(_read, made_at)
    except (Unavailable, sa.exc.SQLAlchemyError):
        return None


def _read(connection: Connection, made_at: int) -> ReplacedState | None:
    if not sa.inspect(connection).has_table("users"):
        return None
    accounts = _rows(connection, "users", *ACCOUNT)
    rooms = _rows(connection, "rooms", "id", "created_at", *ROOM_SETTINGS)
    invites = _rows(connection, "invites", "code", "uses_left")
    members = ("room_id", "user_id")
    departures = _rows(connection, "members", *members, "left_at", "left_seq", present="left_at")
    removed = _rows(connection, "members", *members, "removed_at", present="removed_at")
    return ReplacedState(
        revoked=_revoked(connection),
        uses_left={str(row.code): row.uses_left for row in invites},
        accounts={(row.id, row.name_key, row.created_at): row for row in accounts},
        rooms={(row.id, row.created_at): row for row in rooms},
        departures={(row.room_id, row.user_id): row for row in departures},
        removed={(row.room_id, row.user_id): row.removed_at for row in removed},
        room_admins=_room_admins(connection),
        changed_texts=_changed_texts(connection, made_at),
    )


def _revoked(connection: Connection) -> dict[tuple[str, str], int]:
    return {
        (table, str(key)): int(at)
        for table, column in CREDENTIALS.items()
        for key, at in _rows(connection, table, column, "revoked_at", present="revoked_at")
    }


def _room_admins(connection: Connection) -> set[RoomUser]:
    members = sa.table("members", *map(sa.column, ("room_id", "user_id", "role", "left_at")))
    query = sa.select(members.c.room_id, members.c.user_id)
    rows = connection.execute(query.where(members.c.role == RoomRole.ADMIN, is_membership(members)))
    return {(row.room_id, row.user_id) for row in rows}


def _changed_texts(connection: Connection, made_at: int) -> dict[int, int]:
    columns = ("room_id", "kind", "at", "edited_at", "deleted_at")
    events = sa.table("events", *map(sa.column, columns))
    changed_at = sa.func.coalesce(events.c.deleted_at, events.c.edited_at)
    query = (
        sa.select(events.c.room_id, sa.func.count().label("messages"))
        .where(events.c.kind == EventKind.MESSAGE, events.c.at <= made_at, changed_at >= made_at)
        .group_by(events.c.room_id)
    )
    return {row.room_id: row.messages for row in connection.execute(query)}


def _rows(connection: Connection, table: str, *columns: str, present: str = "") -> list[Any]:
    """Return these columns, NULL where the table lacks one; `present`: rows that have this one."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(table):
        return []
    existing = {column["name"] for column in inspector.get_columns(table)}
    if present and present not in existing:
        return []
    shown = (sa.column(name) if name in existing else sa.null().label(name) for name in columns)
    query = sa.select(*shown).select_from(sa.table(table))
    if present:
        query = query.where(sa.column(present).is_not(None))
    return list(connection.execute(query))

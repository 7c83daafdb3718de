"""Uniqueness of the names of users and rooms, and lookup of rooms by name.

Names of public rooms are unique. A private room's name is stored in a column of its own and is
taken for its members only: choosing a name reveals nothing about other private rooms.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import Conflict, NotFound, _
from chatserver.models import LOBBY, RoomKind
from chatserver.storage.members import IS_MEMBER, lock_rooms
from chatserver.storage.tables import members, room_name, rooms, users
from chatserver.text.names import is_lobby_title, room_key, skeleton

BATCH_SIZE = 500  # rows per UPDATE

_USERS = sa.table("users", *(sa.column(name) for name in ("id", "name", "skeleton")))
_ROOMS = sa.table(
    "rooms", *(sa.column(name) for name in ("id", "name", "private_name", "private", "skeleton"))
)


def require_distinct_user(connection: Connection, user_id: int, name: str) -> None:
    """Raise Conflict if another user's name is confusable with this one.

    The caller has locked the lobby, so that the second of two concurrent accounts is refused.
    """
    alike = sa.and_(users.c.skeleton == skeleton(name), users.c.id != user_id)
    if connection.scalar(sa.select(users.c.id).where(alike).limit(1)) is not None:
        raise Conflict(_("This name looks like the name of another account."))


def require_distinct_room(connection: Connection, name: str, *, by: int, room: int = 0) -> None:
    """Raise Conflict if a room that `by` can see has this name or a confusable one.

    `room` is the room that gets the name, if it exists.
    """
    lock_rooms(connection, [LOBBY])  # the second of two concurrent rooms is refused
    query = sa.select(room_name).where(
        rooms.c.skeleton == skeleton(name), rooms.c.id != room, _VISIBLE
    )
    taken = connection.scalar(query.limit(1), {"me": by, "operator": False})
    if taken is not None:
        same = taken == name
        raise Conflict(
            _("A room with that name already exists.")
            if same
            else _("A room with a similar-looking name already exists.")
        )


def require_no_lobby_title(connection: Connection, title: str) -> None:
    """Raise Conflict if a title is confusable with the lobby's, translated or as it is set."""
    lobby = connection.scalar(sa.select(rooms.c.title).where(rooms.c.id == LOBBY)) or ""
    if is_lobby_title(title) or skeleton(title) == skeleton(lobby):
        raise Conflict(_("This title is reserved for the lobby."))


def name_columns(name: str, *, private: bool) -> dict[str, Any]:
    """Return the columns that store a room's name."""
    return {
        "name": None if private else name,
        "private_name": name if private else None,
        "skeleton": skeleton(name),
    }


def room_by_name(name: str, user_id: int | None) -> tuple[sa.Select[Any], dict[str, Any]]:
    """Return a query of the id of a room by name or id, with its parameters.

    Rooms of this user come first. None is the operator.
    """
    key = room_key(name)
    parameters = {"me": user_id, "operator": user_id is None}
    if key.isascii() and key.isdigit() and len(key) < 16:
        return _ROOM_BY_ID, parameters | {"room": int(key)}
    return _ROOM_BY_NAME, parameters | {"key": key}


def find_room(connection: Connection, name: str, *, by: int | None) -> int:
    """Return the id of a room by name or id. Raises NotFound, or Conflict if ambiguous."""
    found = list(connection.scalars(*room_by_name(name, by)))
    if not found:
        raise NotFound(_("There is no room named %(name)s."), name=name)
    if by is None and len(found) > 1:
        raise Conflict(_("Several rooms have this name. Give the room's number."))
    return int(found[0])


_OWN_ROOMS = sa.select(members.c.room_id).where(members.c.user_id == sa.bindparam("me"), IS_MEMBER)
_PUBLIC = sa.and_(sa.not_(rooms.c.private), rooms.c.name.is_not(None))
_OPERATOR = sa.bindparam("operator", type_=sa.Boolean)
_VISIBLE = sa.or_(_PUBLIC, _OPERATOR, rooms.c.id.in_(_OWN_ROOMS))
_ROOM = (
    sa.select(rooms.c.id)
    .where(rooms.c.kind == RoomKind.GROUP, _VISIBLE)
    # The older room comes first, so that a newer one cannot take over its name.
    .order_by(sa.case((rooms.c.id.in_(_OWN_ROOMS), 0), else_=1), rooms.c.id)
    .limit(2)
)
_ROOM_BY_ID = _ROOM.where(rooms.c.id == sa.bindparam("room"), room_name.is_not(None))
_ROOM_BY_NAME = _ROOM.where(
    sa.or_(rooms.c.name == sa.bindparam("key"), rooms.c.private_name == sa.bindparam("key"))
)


def backfill_names(connection: Connection) -> None:
    """Fill columns that are derived from names, for rows of older versions."""
    unnamed = sa.and_(_ROOMS.c.name.is_(None), _ROOMS.c.private_name.is_(None))
    connection.execute(_ROOMS.update().where(unnamed).values(private=True))
    apart = sa.and_(_ROOMS.c.private, _ROOMS.c.name.is_not(None))
    moved = {"private_name": _ROOMS.c.name}
    connection.execute(_ROOMS.update().where(apart).values(moved))
    connection.execute(_ROOMS.update().where(apart).values(name=None))
    _fill(connection, _USERS, _USERS.c.name)
    _fill(connection, _ROOMS, sa.func.coalesce(_ROOMS.c.name, _ROOMS.c.private_name))


def _fill(connection: Connection, table: sa.TableClause, name: sa.ColumnElement[Any]) -> None:
    """Store the skeletons of all names of a table."""
    query = sa.select(table.c.id, name.label("name")).where(name.is_not(None))
    change = table.update().where(table.c.id == sa.bindparam("row"))
    last = 0
    while found := connection.execute(
        query.where(table.c.id > last).order_by(table.c.id).limit(BATCH_SIZE)
    ).all():
        values = [{"row": row.id, "alike": skeleton(row.name)} for row in found]
        connection.execute(change.values(skeleton=sa.bindparam("alike")), values)
        last = found[-1].id

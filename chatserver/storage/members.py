"""Memberships: their rows, and whether a user may write in a room."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import ROOM_ARCHIVED, Forbidden, NotFound
from chatserver.models import LOBBY, Draft, Role, RoomKind
from chatserver.storage.bulk import RowLookup, key_slices
from chatserver.storage.rights import DELETED
from chatserver.storage.tables import members, room_name, rooms, users


class RoomRole(StrEnum):
    """The role of a member in a room."""

    ADMIN = "admin"
    MEMBER = "member"


def new_id(result: sa.CursorResult[Any]) -> int:
    """Return the id of the inserted row. MySQL has no RETURNING."""
    assert result.inserted_primary_key is not None  # noqa: S101 - a one-row insert has one
    return int(result.inserted_primary_key[0])


def member_row(
    room: int, user_id: int, now: int, *, head: int = 0, role: str = RoomRole.MEMBER
) -> dict[str, Any]:
    """Return the row of a new member, who has read up to `head`."""
    return {
        "room_id": room,
        "user_id": user_id,
        "role": role,
        "joined_at": now,
        "joined_seq": head,
        "read_seq": head,
        "muted": False,
    }


def join_lobby(connection: Connection, user_id: int, now: int) -> None:
    """Make a new account a member of the lobby, in the transaction that creates it."""
    connection.execute(
        rooms.update().where(rooms.c.id == LOBBY).values(members=rooms.c.members + 1)
    )
    head = connection.scalar(sa.select(rooms.c.head).where(rooms.c.id == LOBBY))
    connection.execute(
        members.insert().values(member_row(LOBBY, user_id, now, head=int(head or 0)))
    )


def is_membership(alias: Any) -> sa.ColumnElement[bool]:
    """Return a condition on rows of `members`, or an alias of it: the user has not left.

    The account may be disabled. Former members keep their rows.
    """
    condition: sa.ColumnElement[bool] = alias.c.left_at.is_(None)
    return condition


IS_MEMBER = is_membership(members)


def is_member(user: Any, room: Any) -> sa.Exists:
    """Return a condition: the user is a member of the room. Both may be columns or values."""
    own = members.alias("own")
    one = sa.and_(own.c.user_id == user, own.c.room_id == room, is_membership(own))
    return sa.select(own.c.user_id).where(one).correlate_except(own).exists()


_partner = members.alias("partner")
_account = users.alias("account")
# NULL for a group: databases would look for deleted users among all of its members.
_direct_room = sa.case((rooms.c.pair_key.is_not(None), rooms.c.id))
# Whether the other user of a direct room is deleted. A literal, as statements of RowLookup need it.
_deleted_partner = (
    sa.select(_account.c.id)
    .join_from(_partner, _account, _account.c.id == _partner.c.user_id)
    .where(_partner.c.room_id == _direct_room)
    .where(_account.c.password_hash == sa.literal_column(f"'{DELETED}'"))
    .correlate(rooms)
    .exists()
)

# Members whose account is enabled, with the columns that decide on their rights.
MEMBERSHIPS = RowLookup(
    sa.select(
        members.c.room_id,
        members.c.user_id,
        members.c.role,
        rooms.c.kind,
        room_name.label("name"),
        rooms.c.private,
        rooms.c.archived_at,
        rooms.c.head,
        users.c.role.label("account_role"),
        _deleted_partner.label("deleted_partner"),
    )
    .join(users, users.c.id == members.c.user_id)
    .join(rooms, rooms.c.id == members.c.room_id)
    .where(IS_MEMBER, users.c.disabled_at.is_(None)),
    members.c.room_id,
    members.c.user_id,
)


def memberships(connection: Connection, pairs: set[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """Return the memberships of these (room, user) pairs, without disabled accounts.

    Called in the storing transaction, which has locked the rooms: a removed member cannot write.
    """
    rows = MEMBERSHIPS.rows(connection, sorted(pairs))
    return {tuple(row[:2]): row for row in rows}


def lock_rooms(connection: Connection, numbers: Iterable[int], *, wait: bool = True) -> set[int]:
    """Lock rooms, their members and their logs until the end of the transaction.

    In id order, so that nodes cannot deadlock; SQLite has a single writer. Without `wait`, rooms
    that another transaction has locked are skipped and returned.
    """
    if connection.dialect.name == "sqlite":
        return set()
    skip = not wait and _can_skip_locked(connection)
    return set().union(*(_lock(connection, some, skip=skip) for some in key_slices(numbers)))


def _lock(connection: Connection, numbers: list[int], *, skip: bool) -> set[int]:
    some = sa.select(rooms.c.id).where(rooms.c.id.in_(numbers)).order_by(rooms.c.id)
    if not skip:
        connection.execute(some.with_for_update())
        return set()
    locked = set(connection.scalars(some.with_for_update(skip_locked=True)))
    return set(connection.scalars(some)) - locked


def _can_skip_locked(connection: Connection) -> bool:
    dialect: Any = connection.dialect
    return not dialect.is_mariadb or dialect.server_version_info >= (10, 6)


def require_member(connection: Connection, draft: Draft) -> Row[Any]:
    """Return the author's membership in the room of a draft. Raises NotFound."""
    key = (draft.room, draft.user_id)
    found: Row[Any] | None = memberships(connection, {key}).get(key)
    if found is None:
        raise NotFound
    return found


def is_room_admin(membership: Any) -> bool:
    """Whether a member administers the room, as administrator of the room or the server."""
    is_admin = membership.role == RoomRole.ADMIN or membership.account_role == Role.ADMIN
    return bool(membership.kind == RoomKind.GROUP and is_admin)


def require_account(connection: Connection, draft: Draft) -> Row[Any]:
    """Return the author's account, member or not. Raises NotFound if it is disabled."""
    open_one = sa.and_(users.c.id == draft.user_id, users.c.disabled_at.is_(None))
    found: Row[Any] | None = connection.execute(sa.select(users.c.role).where(open_one)).first()
    if found is None:
        raise NotFound
    return found


def require_open_room(connection: Connection, draft: Draft) -> Any:
    """Return the author's membership. Raises NotFound; Forbidden if the room is archived."""
    membership = require_member(connection, draft)
    if membership.archived_at is not None:
        raise Forbidden(ROOM_ARCHIVED)
    return membership

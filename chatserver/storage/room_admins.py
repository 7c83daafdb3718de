"""Administrators of rooms, and succession when the last one leaves.

The successor is the user who has been a member longest, never a bot or a disabled account. The
lobby is administered by the administrators of the server. An index of `members` begins with the
columns that are compared here, because every change of members in a room of any size looks.
"""

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import LOBBY, Role, RoomKind
from chatserver.storage.members import IS_MEMBER, RoomRole, is_membership
from chatserver.storage.tables import members, rooms, users

_present = sa.and_(IS_MEMBER, users.c.disabled_at.is_(None))
_OPEN_MEMBERS = (
    sa.select(users.c.id, users.c.name)
    .select_from(members)
    .join(users, users.c.id == members.c.user_id)
)


_ROOMS_WITHOUT_ADMIN = (
    sa.select(rooms.c.id)
    .where(rooms.c.kind == RoomKind.GROUP, rooms.c.members > 0)
    .where(
        ~sa.select(members.c.user_id)
        .join(users, users.c.id == members.c.user_id)
        .where(members.c.room_id == rooms.c.id, members.c.role == RoomRole.ADMIN, _present)
        .correlate(rooms)
        .exists()
    )
)


def promote(connection: Connection, room: int, user_id: int) -> None:
    """Make a member an administrator of the room."""
    one = sa.and_(members.c.room_id == room, members.c.user_id == user_id)
    connection.execute(members.update().where(one).values(role=RoomRole.ADMIN))


def ensure_admins(connection: Connection, numbers: Iterable[int]) -> set[int]:
    """Appoint a successor in each of these rooms without an administrator; return user ids.

    The caller has locked the rooms, so that the last two administrators cannot leave at once.
    """
    found = {room: successor(connection, room) for room in sorted(set(numbers) - {LOBBY})}
    for room, user in found.items():
        if user is not None:
            promote(connection, room, user[0])
    return {user[0] for user in found.values() if user is not None}


def repair_memberships(connection: Connection) -> None:
    """Correct member counts and administrators of rooms after a restore that ended memberships."""
    present = sa.and_(members.c.room_id == rooms.c.id, IS_MEMBER)
    count = sa.select(sa.func.count()).select_from(members).where(present).scalar_subquery()
    wrong = list(connection.scalars(sa.select(rooms.c.id).where(rooms.c.members != count)))
    for number in wrong:
        one = rooms.update().where(rooms.c.id == number)
        connection.execute(one.values(members=count))
    without = list(connection.scalars(_ROOMS_WITHOUT_ADMIN))
    ensure_admins(connection, [*wrong, *without])


def successor(
    connection: Connection, room: int, *, without: Collection[int] = ()
) -> tuple[int, str] | None:
    """Return id and name of the next administrator of a room once the users `without` leave.

    None if another administrator remains, or no member qualifies.
    """
    here = _OPEN_MEMBERS.where(members.c.room_id == room, _present, users.c.id.not_in(without))
    admins = here.where(members.c.role == RoomRole.ADMIN)
    if _first(connection, admins) is not None:
        return None
    eligible = here.where(members.c.role == RoomRole.MEMBER, users.c.role != Role.BOT)
    candidates = eligible.order_by(members.c.joined_at, members.c.user_id)
    closed: set[int] = set()
    while (found := _first(connection, candidates.where(users.c.id.not_in(closed)))) is not None:
        if _stays_open(connection, found[0]):
            return found
        closed.add(found[0])
    return None


def _first(connection: Connection, query: sa.Select[tuple[int, str]]) -> tuple[int, str] | None:
    found = connection.execute(query.limit(1)).one_or_none()
    return None if found is None else (found.id, found.name)


def _stays_open(connection: Connection, user_id: int) -> bool:
    """Whether this account is not disabled, which it stays until the end of the transaction."""
    one = sa.select(users.c.disabled_at).where(users.c.id == user_id).with_for_update(read=True)
    return connection.execute(one).one().disabled_at is None


def rooms_administered(connection: Connection, user_id: int) -> list[int]:
    """Return rooms whose administrators may change when this account is disabled or enabled.

    Those that it administers, and those of its rooms that have no administrator.
    """
    admin = members.alias("admin")
    account = users.alias("account")
    administered = (
        sa.select(admin.c.user_id)
        .join(account, account.c.id == admin.c.user_id)
        .where(admin.c.room_id == members.c.room_id, admin.c.role == RoomRole.ADMIN)
        .where(is_membership(admin), account.c.disabled_at.is_(None))
    )
    query = (
        sa.select(members.c.room_id)
        .join(rooms, rooms.c.id == members.c.room_id)
        .where(members.c.user_id == user_id, IS_MEMBER)
        .where(rooms.c.kind == RoomKind.GROUP, rooms.c.id != LOBBY)
        .where(sa.or_(members.c.role == RoomRole.ADMIN, ~administered.exists()))
    )
    return list(connection.scalars(query))

"""Who keeps a room: its administrators, and who follows when none of them is left.

A keeper is followed by the person who has belonged to the room longest, never by a bot or a
disabled account. The lobby is kept by the administrators of the server.
"""

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import LOBBY, Role, RoomKind
from chatserver.storage.tables import members, rooms, users

_present = sa.and_(members.c.left_at.is_(None), users.c.disabled_at.is_(None))
_OPEN_MEMBERS = (
    sa.select(users.c.id, users.c.name)
    .select_from(members)
    .join(users, users.c.id == members.c.user_id)
)


def promote(connection: Connection, room: int, user_id: int) -> None:
    """Make a member an administrator of the room."""
    one = sa.and_(members.c.room_id == room, members.c.user_id == user_id)
    connection.execute(members.update().where(one).values(role="admin"))


def ensure_admins(connection: Connection, numbers: Iterable[int]) -> set[int]:
    """Give each of these rooms a keeper that has none and could have one: their user ids.

    The caller holds the rooms, so that two who leave at once do not count on one another.
    """
    found = {room: successor(connection, room) for room in sorted(set(numbers) - {LOBBY})}
    for room, heir in found.items():
        if heir is not None:
            promote(connection, room, heir[0])
    return {heir[0] for heir in found.values() if heir is not None}


def repair_memberships(connection: Connection) -> None:
    """Correct the number of members of rooms that lost some in a restore, and their keepers."""
    present = sa.and_(members.c.room_id == rooms.c.id, members.c.left_at.is_(None))
    count = sa.select(sa.func.count()).select_from(members).where(present).scalar_subquery()
    wrong = list(connection.scalars(sa.select(rooms.c.id).where(rooms.c.members != count)))
    for number in wrong:
        one = rooms.update().where(rooms.c.id == number)
        connection.execute(one.values(members=count))
    ensure_admins(connection, wrong)


def successor(
    connection: Connection, room: int, *, without: Collection[int] = ()
) -> tuple[int, str] | None:
    """Id and name of the user who follows as keeper of a group once the users `without` are gone.

    None while another keeper is left, or where no member can be one.
    """
    here = _OPEN_MEMBERS.where(members.c.room_id == room, _present, users.c.id.not_in(without))
    if connection.execute(here.where(members.c.role == "admin").limit(1)).first() is not None:
        return None
    people = here.where(users.c.role != Role.BOT)
    heirs = people.order_by(members.c.joined_at, members.c.user_id)
    closed: set[int] = set()
    while (found := _first(connection, heirs.where(users.c.id.not_in(closed)))) is not None:
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
    """The rooms that may lose or get a keeper when this account is closed or opened again.

    Those that it keeps, and those of its rooms that nobody keeps.
    """
    keeper = members.alias("keeper")
    account = users.alias("account")
    kept = (
        sa.select(keeper.c.user_id)
        .join(account, account.c.id == keeper.c.user_id)
        .where(keeper.c.room_id == members.c.room_id, keeper.c.role == "admin")
        .where(keeper.c.left_at.is_(None), account.c.disabled_at.is_(None))
    )
    query = (
        sa.select(members.c.room_id)
        .join(rooms, rooms.c.id == members.c.room_id)
        .where(members.c.user_id == user_id, members.c.left_at.is_(None))
        .where(rooms.c.kind == RoomKind.GROUP, rooms.c.id != LOBBY)
        .where(sa.or_(members.c.role == "admin", ~kept.exists()))
    )
    return list(connection.scalars(query))

"""Invitations.

An invitation is usable while its creator is an enabled administrator; one into a private room only
while the creator is a member of the room. It is revoked permanently when that ends. A user who was
removed from a private room needs an invitation that was created after the last removal, also after
joining again and leaving.
"""

import re
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.clocks import MAX_CLOCK_LEAD
from chatserver.errors import NotFound, _
from chatserver.models import Role, Value
from chatserver.storage.engine import Database
from chatserver.storage.members import is_member
from chatserver.storage.rights import require_admin
from chatserver.storage.slices import pages
from chatserver.storage.tables import invites, members, rooms, users
from chatserver.storage.unique_names import find_room

INVALID_INVITATION = _("This invitation is not valid any more. Ask for a new one.")

# MariaDB would find "code " for "code" as well.
_is_code = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


class Invite(Value, frozen=True):
    """An invitation. `room` and `title` are those of the room that it admits to, if any."""

    code: str
    created_by: str
    created_at: int
    expires_at: int
    uses_left: int
    room: int | None = None
    title: str | None = None
    archived: bool = False  # the room


class Invites:
    """Creates, finds and revokes invitations.

    `by` is an administrator, None the operator.
    """

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def open(self, invite: Invite, *, by: int | None, into: str = "") -> None:
        """Store an invitation, which admits to the room named `into`, if given.

        Raises NotFound if that room does not exist or `by` may not invite into it, and Forbidden if
        `by` is no longer an administrator.
        """
        row = {
            "code": invite.code,
            "created_by": by,
            "created_at": invite.created_at,
            "expires_at": invite.expires_at,
            "uses_left": invite.uses_left,
        }

        def work(connection: Connection) -> None:
            require_admin(connection, by)
            room = _open_room(connection, into, by) if into else None
            connection.execute(invites.insert().values({**row, "room_id": room}))

        await self._database.transaction(work)

    async def list_usable(self, by: int | None) -> list[Invite]:
        """Return the usable invitations that `by` may see, newest first.

        Invitations into private rooms are visible to members of these rooms only.
        """
        query = _USABLE_INVITES if by is None else _USABLE_INVITES.where(_VISIBLE)
        async with (
            self._database.reading() as connection,
            aclosing(pages(connection, query, parameters=self._parameters(me=by))) as found,
        ):
            return [_invite(row) async for rows in found for row in rows]

    async def find(self, code: str, *, by: int | None = None) -> Invite | None:
        """Return a usable invitation that `by` may see."""
        if by is None:
            return await self._first(_USABLE_INVITE, code)
        return await self._first(_USABLE_INVITE.where(_VISIBLE), code, me=by)

    async def find_for_member(self, user_id: int, code: str) -> Invite | None:
        """Return an invitation, usable or not, into a room of which the user is a member."""
        return await self._first(_INVITE_OF_MEMBER, code, me=user_id)

    async def _first(self, query: sa.Select[Any], code: str, **values: Any) -> Invite | None:
        if not _is_code(code):
            return None
        async with self._database.reading() as connection:
            found = await connection.execute(query, self._parameters(wanted=code, **values))
            row = found.one_or_none()
        return None if row is None else _invite(row)

    def _parameters(self, **values: Any) -> dict[str, Any]:
        return {"now": self._clock(), **values}

    async def admits(self, user_id: int, code: str, room: int) -> bool:
        """Whether an invitation admits this user to a room."""
        async with self._database.reading() as connection:
            return await connection.run_sync(admits_to, code, room, user_id)

    async def revoke(self, code: str, *, by: int | None) -> bool:
        """Revoke an invitation; return whether there is one that `by` may see, usable or not.

        Raises Forbidden if `by` is no longer an administrator.
        """
        revoked = {"revoked_at": sa.func.coalesce(invites.c.revoked_at, self._clock())}
        change = invites.update().where(invites.c.code == code).values(revoked)

        def work(connection: Connection) -> bool:
            require_admin(connection, by)
            if by is None:
                return connection.execute(change).rowcount == 1
            return connection.execute(change.where(_VISIBLE), {"me": by}).rowcount == 1

        return bool(_is_code(code)) and await self._database.transaction(work)


def redeem(connection: Connection, code: str, now: int) -> None:
    """Decrement the remaining uses of an invitation. Raises NotFound if it is not usable."""
    parameters = {"wanted": code, "now": now}
    if not _is_code(code) or connection.execute(_REDEMPTION, parameters).rowcount != 1:
        raise NotFound(INVALID_INVITATION)


def admits_to(connection: Connection, code: str, room: int, user_id: int) -> bool:
    """Whether an invitation, used up or not, still admits this user to the room."""
    if not _is_code(code):
        return False
    parameters = {"wanted": code, "room": room, "user": user_id}
    return connection.scalar(_ADMISSION, parameters) is not None


def revoke_created_by(
    connection: Connection, creators: list[int], now: int, *, room: int | None = None
) -> None:
    """Revoke the invitations that these accounts created, or only those into `room`."""
    theirs = sa.and_(invites.c.created_by.in_(creators), invites.c.revoked_at.is_(None))
    if room is not None:
        theirs = sa.and_(theirs, invites.c.room_id == room)
    connection.execute(invites.update().where(theirs).values(revoked_at=now))


def revoke_of_nonmembers(connection: Connection, room: int, now: int) -> None:
    """Revoke invitations into a room that became private, by creators who are not members."""
    outside = sa.and_(
        invites.c.room_id == room, invites.c.created_by.is_not(None), ~_creator_is_inside
    )
    change = invites.update().where(outside, invites.c.revoked_at.is_(None))
    connection.execute(change.values(revoked_at=now))


def _open_room(connection: Connection, name: str, by: int | None) -> int:
    """Return the id of a room into which `by` may invite. Raises NotFound, also if archived."""
    room = find_room(connection, name, by=by)
    if connection.scalar(sa.select(rooms.c.archived_at).where(rooms.c.id == room)) is not None:
        raise NotFound(_("There is no room named %(name)s."), name=name)
    return room


def _invite(row: Row[Any]) -> Invite:
    return Invite(
        code=row.code,
        created_by=row.display or "",
        created_at=row.created_at,
        expires_at=row.expires_at,
        uses_left=row.uses_left,
        room=row.room_id,
        title=row.title,
        archived=row.archived_at is not None,
    )


# Statements are built once: visitors without a session cause them ---------------------------------

_creator = users.alias("creator")
_room = rooms.alias("room")
_now = sa.bindparam("now", type_=sa.BigInteger)

_by_operator = invites.c.created_by.is_(None)
_by_administrator = (
    sa.select(_creator.c.id)
    .where(_creator.c.id == invites.c.created_by)
    .where(_creator.c.role == Role.ADMIN, _creator.c.disabled_at.is_(None))
    .correlate_except(_creator)
    .exists()
)
_private = (
    sa.select(_room.c.id)
    .where(_room.c.id == invites.c.room_id, _room.c.private)
    .correlate_except(_room)
    .exists()
)
_creator_is_inside = is_member(invites.c.created_by, invites.c.room_id)
_me_is_inside = is_member(sa.bindparam("me"), invites.c.room_id)

# Not revoked, and the creator could create it now. The operator may.
_BACKED = sa.and_(
    invites.c.revoked_at.is_(None),
    sa.or_(_by_operator, _by_administrator),
    sa.or_(_by_operator, invites.c.room_id.is_(None), ~_private, _creator_is_inside),
)
_USABLE = sa.and_(
    invites.c.created_at <= _now + MAX_CLOCK_LEAD,
    invites.c.expires_at > _now,
    invites.c.uses_left > 0,
    _BACKED,
)
_VISIBLE = sa.or_(invites.c.room_id.is_(None), ~_private, _me_is_inside)

_this_one = invites.c.code == sa.bindparam("wanted")
_INVITES = (
    sa.select(invites, users.c.display, rooms.c.title, rooms.c.archived_at)
    .outerjoin(users, users.c.id == invites.c.created_by)
    .outerjoin(rooms, rooms.c.id == invites.c.room_id)
)
_USABLE_INVITES = _INVITES.where(_USABLE).order_by(invites.c.created_at.desc())
_USABLE_INVITE = _INVITES.where(_this_one, _USABLE)
_INVITE_OF_MEMBER = _INVITES.where(_this_one, _me_is_inside)
_REDEMPTION = invites.update().where(_this_one, _USABLE).values(uses_left=invites.c.uses_left - 1)
_removed_since = (
    sa.select(members.c.user_id)
    .where(members.c.room_id == invites.c.room_id, members.c.user_id == sa.bindparam("user"))
    .where(members.c.removed_at >= invites.c.created_at)
    .correlate(invites)
    .exists()
)
_ADMISSION = sa.select(invites.c.code).where(
    _this_one,
    invites.c.room_id == sa.bindparam("room"),
    _BACKED,
    sa.or_(~_private, ~_removed_since),
)

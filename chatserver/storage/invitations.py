"""Invitations.

An invitation is usable while its creator is an enabled administrator; one into a private room only
while the creator is a member of the room. It is revoked permanently when that ends. A user who was
removed from a private room needs an invitation that was created after the removal.
"""

import json
import re
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import NotFound, _
from chatserver.models import MAX_CLOCK_LEAD, Invite, Kind, Role
from chatserver.storage.engine import Database
from chatserver.storage.members import is_member
from chatserver.storage.rights import require_admin
from chatserver.storage.slices import pages
from chatserver.storage.tables import events, invites, members, rooms, users
from chatserver.storage.unique_names import find_room

INVALID_INVITATION = _("This invitation is not valid any more. Ask for a new one.")

# MariaDB would find "code " for "code" as well.
_is_code = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


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
        return await self._usable(_visible_to(by))

    async def find(self, code: str, *, by: int | None = None) -> Invite | None:
        """Return a usable invitation that `by` may see."""
        if not _is_code(code):
            return None
        found = await self._usable(invites.c.code == code, _visible_to(by))
        return found[0] if found else None

    async def find_for_member(self, user_id: int, code: str) -> Invite | None:
        """Return an invitation, usable or not, into a room of which the user is a member."""
        if not _is_code(code):
            return None
        one = invites.c.code == code
        found = await self._where(one, is_member(user_id, invites.c.room_id))
        return found[0] if found else None

    async def admits(self, user_id: int, code: str, room: int) -> bool:
        """Whether an invitation admits this user to a room."""
        async with self._database.reading() as connection:
            return await connection.run_sync(admits_to, code, room, user_id)

    async def _usable(self, *conditions: sa.ColumnElement[bool]) -> list[Invite]:
        return await self._where(*_usable(self._clock()), *conditions)

    async def _where(self, *conditions: sa.ColumnElement[bool]) -> list[Invite]:
        query = (
            sa.select(invites, users.c.display, rooms.c.title, rooms.c.archived_at)
            .outerjoin(users, users.c.id == invites.c.created_by)
            .outerjoin(rooms, rooms.c.id == invites.c.room_id)
            .where(*conditions)
            .order_by(invites.c.created_at.desc())
        )
        async with (
            self._database.reading() as connection,
            aclosing(pages(connection, query)) as found,
        ):
            return [_invite(row) async for rows in found for row in rows]

    async def revoke(self, code: str, *, by: int | None) -> bool:
        """Revoke an invitation; return whether there is one that `by` may see, usable or not.

        Raises Forbidden if `by` is no longer an administrator.
        """
        revoked = {"revoked_at": sa.func.coalesce(invites.c.revoked_at, self._clock())}
        one = sa.and_(invites.c.code == code, _visible_to(by))

        def work(connection: Connection) -> bool:
            require_admin(connection, by)
            return connection.execute(invites.update().where(one).values(revoked)).rowcount == 1

        return bool(_is_code(code)) and await self._database.transaction(work)


def redeem(connection: Connection, code: str, now: int) -> None:
    """Decrement the remaining uses of an invitation. Raises NotFound if it is not usable."""
    one = sa.and_(invites.c.code == code, *_usable(now))
    used = invites.update().where(one).values(uses_left=invites.c.uses_left - 1)
    if not _is_code(code) or connection.execute(used).rowcount != 1:
        raise NotFound(INVALID_INVITATION)


def admits_to(connection: Connection, code: str, room: int, user_id: int) -> bool:
    """Whether an invitation, used up or not, still admits this user to the room."""
    one = sa.and_(invites.c.code == code, invites.c.room_id == room, *_backed_by_creator())
    if (removed_at := _removed_at(connection, room, user_id)) is not None:
        one = sa.and_(one, sa.or_(~_is_private(), invites.c.created_at > removed_at))
    query = sa.select(invites.c.code).where(one)
    return bool(_is_code(code)) and connection.scalar(query) is not None


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
    here = is_member(invites.c.created_by, invites.c.room_id)
    outside = sa.and_(invites.c.room_id == room, invites.c.created_by.is_not(None), ~here)
    change = invites.update().where(outside, invites.c.revoked_at.is_(None))
    connection.execute(change.values(revoked_at=now))


def _usable(now: int) -> list[sa.ColumnElement[bool]]:
    return [
        invites.c.created_at <= now + MAX_CLOCK_LEAD,
        invites.c.expires_at > now,
        invites.c.uses_left > 0,
        *_backed_by_creator(),
    ]


def _backed_by_creator() -> list[sa.ColumnElement[bool]]:
    """Return conditions: not revoked, and the creator could create it now. The operator may."""
    creator = users.alias("creator")
    admin = sa.and_(creator.c.role == Role.ADMIN, creator.c.disabled_at.is_(None))
    admins = sa.select(creator.c.id).where(creator.c.id == invites.c.created_by, admin)
    by_operator = invites.c.created_by.is_(None)
    here = is_member(invites.c.created_by, invites.c.room_id)
    return [
        invites.c.revoked_at.is_(None),
        sa.or_(by_operator, admins.correlate_except(creator).exists()),
        sa.or_(by_operator, invites.c.room_id.is_(None), ~_is_private(), here),
    ]


def _removed_at(connection: Connection, room: int, user_id: int) -> int | None:
    """Return when a former member was removed from a room; None for a user who left.

    The last event of the membership is the departure. It is any other event if a restore ended the
    membership; that counts as a removal.
    """
    query = (
        sa.select(members.c.left_at, events.c.user_id, events.c.kind, events.c.body)
        .outerjoin(
            events,
            sa.and_(events.c.room_id == members.c.room_id, events.c.seq == members.c.left_seq),
        )
        .where(members.c.room_id == room, members.c.user_id == user_id)
        .where(members.c.left_at.is_not(None))
    )
    found = connection.execute(query).one_or_none()
    if found is None or (found.user_id == user_id and _is_leave(found)):
        return None
    return int(found.left_at)


def _is_leave(event: Any) -> bool:
    return bool(event.kind == Kind.ROOM and json.loads(event.body).get("action") == "leave")


def _visible_to(by: int | None) -> sa.ColumnElement[bool]:
    if by is None:
        return sa.true()
    return sa.or_(invites.c.room_id.is_(None), ~_is_private(), is_member(by, invites.c.room_id))


def _is_private() -> sa.Exists:
    """Whether the room of an invitation is private."""
    place = rooms.alias("place")
    one = sa.and_(place.c.id == invites.c.room_id, place.c.private)
    return sa.select(place.c.id).where(one).correlate_except(place).exists()


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

"""Invitations: every query about them, once."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import NotFound, _
from chatserver.models import FUTURE, Invite, RoomKind, name_key
from chatserver.storage.engine import Database
from chatserver.storage.members import known_to
from chatserver.storage.rights import require_admin
from chatserver.storage.tables import invites, rooms, users


class Invites:
    """Opens, finds and revokes invitations; `use_up` is for whoever makes the account."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def open(self, invite: Invite, *, by: int | None, into: str = "") -> None:
        """Store an invitation, `into` a room of that name if it leads there.

        Raises NotFound for a room that is not there, or that `by` may bring nobody into, and
        Forbidden when `by` administers no more.
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
            room = _room(connection, into, by) if into else None
            connection.execute(invites.insert().values({**row, "room_id": room}))

        await self._database.transaction(work)

    async def usable(self, code: str | None = None) -> list[Invite]:
        """The invitations that can still be used, newest first; or just that one."""
        query = (
            sa.select(invites, users.c.display, rooms.c.title)
            .outerjoin(users, users.c.id == invites.c.created_by)
            .outerjoin(rooms, rooms.c.id == invites.c.room_id)
            .where(*_usable(self._clock()))
            .order_by(invites.c.created_at.desc())
        )
        if code is not None:
            query = query.where(invites.c.code == code)
        async with self._database.reading() as connection:
            return [_invite(row) for row in await connection.execute(query)]

    async def revoke(self, code: str, *, by: int | None) -> bool:
        """Whether there was such an invitation, usable or not. Raises Forbidden: see `open`."""
        revoked = {"revoked_at": sa.func.coalesce(invites.c.revoked_at, self._clock())}

        def work(connection: Connection) -> bool:
            require_admin(connection, by)
            one = invites.update().where(invites.c.code == code)
            return connection.execute(one.values(revoked)).rowcount == 1

        return await self._database.transaction(work)


def use_up(connection: Connection, code: str, now: int) -> None:
    """Take one use of an invitation. Raises NotFound when it can be used no more."""
    used = connection.execute(
        invites.update()
        .where(invites.c.code == code, *_usable(now))
        .values(uses_left=invites.c.uses_left - 1)
    )
    if used.rowcount != 1:
        raise NotFound(_("This invitation is not valid any more. Ask for a new one."))


def _usable(now: int) -> list[sa.ColumnElement[bool]]:
    return [
        invites.c.revoked_at.is_(None),
        invites.c.created_at <= now + FUTURE,
        invites.c.expires_at > now,
        invites.c.uses_left > 0,
    ]


def _room(connection: Connection, name: str, by: int | None) -> int:
    query = sa.select(rooms.c.id).where(
        rooms.c.name == name_key(name.removeprefix("#")),
        rooms.c.kind == RoomKind.GROUP,
        rooms.c.archived_at.is_(None),
        known_to(by),
    )
    found = connection.scalar(query)
    if found is None:
        raise NotFound(_("There is no room of the name %(name)s."), name=name)
    return int(found)


def _invite(row: Row[Any]) -> Invite:
    return Invite(
        code=row.code,
        created_by=row.display or "",
        created_at=row.created_at,
        expires_at=row.expires_at,
        uses_left=row.uses_left,
        room=row.room_id,
        title=row.title,
    )

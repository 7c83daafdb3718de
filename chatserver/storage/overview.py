"""Metadata of users, bots, rooms and conversations for administrators, never message texts."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from chatserver.models import EventKind, Role, RoomKind, name_key
from chatserver.storage.engine import Database
from chatserver.storage.members import IS_MEMBER, RoomRole
from chatserver.storage.readers import Share
from chatserver.storage.slices import pages
from chatserver.storage.tables import (
    bot_tokens,
    events,
    members,
    room_name,
    rooms,
    sessions,
    users,
)


@dataclass(frozen=True, slots=True)
class AdminUser:
    """A user. Times in ms; `last_seen_at` is None for users who never logged in.

    `picture` is the id of the profile picture.
    """

    name: str
    display: str
    role: Role
    disabled: bool
    created_at: int
    last_seen_at: int | None
    picture: str | None


@dataclass(frozen=True, slots=True)
class AdminBot:
    """A bot with the names of its rooms. `token_since` (ms) is set if it has a token."""

    name: str
    display: str
    disabled: bool
    created_at: int
    token_since: int | None
    rooms: list[str]
    picture: str | None


@dataclass(frozen=True, slots=True)
class AdminRoom:
    """Metadata of a room with a name. `last_at` (ms) is the time of its last message."""

    room: int
    name: str
    title: str
    private: bool
    archived: bool
    members: int
    messages: int
    last_at: int | None
    retention_days: int | None
    admins: list[str]


@dataclass(frozen=True, slots=True)
class AdminConversation:
    """Metadata of a conversation without a name.

    `events` is the number of events in its log. Times in ms; `last_at` is that of the last event.
    """

    room: int
    members: int
    events: int
    created_by: str | None
    created_at: int
    last_at: int | None


Order = Literal["members", "events"]  # sort key of conversations, descending


class Overview:
    """Queries of the administration pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def users(self, after: str, limit: int) -> list[AdminUser]:
        """Return up to `limit` accounts that are not bots, by name, beginning after `after`."""
        seen = sa.select(sa.func.max(sessions.c.last_seen_at))
        query = (
            sa.select(users, seen.where(sessions.c.user_id == users.c.id).scalar_subquery())
            .where(users.c.role != Role.BOT, users.c.name_key > name_key(after))
            .order_by(users.c.name_key)
            .limit(limit)
        )
        return [
            AdminUser(
                row.name,
                row.display,
                Role(row.role),
                row.disabled_at is not None,
                row.created_at,
                row[-1],
                row.picture,
            )
            async for row in self._rows(query)
        ]

    async def bots(self) -> list[AdminBot]:
        """Return all bots, by name."""
        since = sa.select(sa.func.max(bot_tokens.c.created_at)).where(
            bot_tokens.c.user_id == users.c.id, bot_tokens.c.revoked_at.is_(None)
        )
        query = sa.select(users, since.scalar_subquery()).where(users.c.role == Role.BOT)
        its_rooms = await self._listed(
            sa.select(members.c.user_id, room_name)
            .join(rooms, rooms.c.id == members.c.room_id)
            .join(users, users.c.id == members.c.user_id)
            .where(IS_MEMBER, users.c.role == Role.BOT)
            .where(room_name.is_not(None))
            .order_by(room_name, rooms.c.id)
        )
        return [
            AdminBot(
                row.name,
                row.display,
                row.disabled_at is not None,
                row.created_at,
                row[-1],
                its_rooms.get(row.id, []),
                row.picture,
            )
            async for row in self._rows(query.order_by(users.c.name_key))
        ]

    async def rooms(self) -> list[AdminRoom]:
        """Return all rooms that have a name, by name; conversations without one are private."""
        query = (
            sa.select(rooms, _MESSAGES.label("messages"), _LAST_AT.label("last_at"))
            .where(rooms.c.kind == RoomKind.GROUP, room_name.is_not(None))
            .order_by(room_name, rooms.c.id)
        )
        admins = await self._listed(
            sa.select(members.c.room_id, users.c.name)
            .join(users, users.c.id == members.c.user_id)
            .where(members.c.role == RoomRole.ADMIN, IS_MEMBER)
            .order_by(users.c.name_key)
        )
        return [_admin_room(row, admins.get(row.id, [])) async for row in self._rows(query)]

    async def conversations(self, order: Order, limit: int) -> list[AdminConversation]:
        """Return the largest groups without a name that have members."""
        columns = {"members": rooms.c.members, "events": rooms.c.head}
        query = _CONVERSATIONS.order_by(columns[order].desc(), rooms.c.id.desc()).limit(limit)
        return [AdminConversation(*row) async for row in self._rows(query)]

    async def _rows(self, query: sa.Select[Any]) -> AsyncGenerator[Any]:
        """Yield all rows, read in pages, so that the event loop is not blocked."""
        async with (
            self._database.reading(Share.LISTS) as connection,
            aclosing(pages(connection, query)) as found,
        ):
            async for rows in found:
                for row in rows:
                    yield row

    async def _listed(self, query: sa.Select[Any]) -> dict[int, list[str]]:
        """Return the second column of a query, grouped by the first one."""
        found: dict[int, list[str]] = {}
        async for key, name in self._rows(query):
            found.setdefault(key, []).append(name)
        return found


# From the index alone, except for the one row of the last message, deleted or not.
_said = events.alias("said")
_last = events.alias("last")
_MESSAGES = (
    sa.select(sa.func.count())
    .where(_said.c.room_id == rooms.c.id, _said.c.kind == EventKind.MESSAGE)
    .where(_said.c.deleted_at.is_(None))
    .correlate(rooms)
    .scalar_subquery()
)
_LAST_SEQ = (
    sa.select(sa.func.max(_said.c.seq))
    .where(_said.c.room_id == rooms.c.id, _said.c.kind == EventKind.MESSAGE)
    .correlate(rooms)
    .scalar_subquery()
)
_LAST_AT = (
    sa.select(_last.c.at)
    .where(_last.c.room_id == rooms.c.id, _last.c.seq == _LAST_SEQ)
    .correlate(rooms)
    .scalar_subquery()
)


_end = events.alias("end")
_CONVERSATIONS = (
    sa.select(
        rooms.c.id, rooms.c.members, rooms.c.head, users.c.name, rooms.c.created_at, _end.c.at
    )
    .outerjoin(users, users.c.id == rooms.c.created_by)
    .outerjoin(_end, sa.and_(_end.c.room_id == rooms.c.id, _end.c.seq == rooms.c.head))
    .where(rooms.c.kind == RoomKind.GROUP, room_name.is_(None), rooms.c.members > 0)
)


def _admin_room(row: Any, admins: list[str]) -> AdminRoom:
    return AdminRoom(
        room=row.id,
        name=row.name or row.private_name,
        title=row.title,
        private=bool(row.private),
        archived=row.archived_at is not None,
        members=row.members,
        messages=row.messages,
        last_at=row.last_at,
        retention_days=row.retention_days,
        admins=admins,
    )

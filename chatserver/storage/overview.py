"""What administrators see of people, rooms and bots: facts about them, never what was said."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chatserver.models import Kind, Role, RoomKind
from chatserver.storage.engine import Database
from chatserver.storage.tables import bot_tokens, events, members, rooms, sessions, users


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody who has an account. Times in ms; `last_seen_at` is None for who never came."""

    name: str
    display: str
    role: Role
    disabled: bool
    created_at: int
    last_seen_at: int | None


@dataclass(frozen=True, slots=True)
class Robot:
    """A bot, the names of its rooms, and since when its token is valid (ms), if it has one."""

    name: str
    display: str
    disabled: bool
    created_at: int
    token_since: int | None
    rooms: list[str]


@dataclass(frozen=True, slots=True)
class House:
    """A room with a name, from outside. `last_at` (ms) is its last message's; `admins` keep it."""

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


class Overview:
    """Reads; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def people(self) -> list[Resident]:
        """Everybody but the bots, by name."""
        seen = sa.select(sa.func.max(sessions.c.last_seen_at))
        query = (
            sa.select(users, seen.where(sessions.c.user_id == users.c.id).scalar_subquery())
            .where(users.c.role != Role.BOT)
            .order_by(users.c.name_key)
        )
        return [
            Resident(
                row.name,
                row.display,
                Role(row.role),
                row.disabled_at is not None,
                row.created_at,
                row[-1],
            )
            for row in await self._all(query)
        ]

    async def bots(self) -> list[Robot]:
        """By name."""
        since = sa.select(sa.func.max(bot_tokens.c.created_at)).where(
            bot_tokens.c.user_id == users.c.id, bot_tokens.c.revoked_at.is_(None)
        )
        query = sa.select(users, since.scalar_subquery()).where(users.c.role == Role.BOT)
        its_rooms = await self._listed(
            sa.select(members.c.user_id, rooms.c.name)
            .join(rooms, rooms.c.id == members.c.room_id)
            .join(users, users.c.id == members.c.user_id)
            .where(members.c.left_at.is_(None), users.c.role == Role.BOT)
            .where(rooms.c.name.is_not(None))
            .order_by(rooms.c.name)
        )
        return [
            Robot(
                row.name,
                row.display,
                row.disabled_at is not None,
                row.created_at,
                row[-1],
                its_rooms.get(row.id, []),
            )
            for row in await self._all(query.order_by(users.c.name_key))
        ]

    async def rooms(self) -> list[House]:
        """Every room that has a name, by name: conversations of a few people are their own."""
        said = sa.and_(
            events.c.room_id == rooms.c.id,
            events.c.kind == Kind.MESSAGE,
            events.c.deleted_at.is_(None),
        )
        query = (
            sa.select(
                rooms,
                sa.select(sa.func.count()).where(said).scalar_subquery().label("messages"),
                sa.select(sa.func.max(events.c.at)).where(said).scalar_subquery().label("last_at"),
            )
            .where(rooms.c.kind == RoomKind.GROUP, rooms.c.name.is_not(None))
            .order_by(rooms.c.name)
        )
        keepers = await self._listed(
            sa.select(members.c.room_id, users.c.name)
            .join(users, users.c.id == members.c.user_id)
            .where(members.c.role == "admin", members.c.left_at.is_(None))
            .order_by(users.c.name_key)
        )
        return [_house(row, keepers.get(row.id, [])) for row in await self._all(query)]

    async def size(self) -> int:
        """Bytes that the database takes on disk, as far as it tells."""
        if self._database.path is not None:
            files = [self._database.path, self._database.path.with_name("chat.db-wal")]
            return sum(file.stat().st_size for file in files if file.exists())
        query = sa.text(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables"
            " WHERE table_schema = DATABASE()"
        )
        async with self._database.reading() as connection:
            return int(await connection.scalar(query) or 0)

    async def _all(self, query: sa.Select[Any]) -> list[Any]:
        async with self._database.reading() as connection:
            return list(await connection.execute(query))

    async def _listed(self, query: sa.Select[Any]) -> dict[int, list[str]]:
        """Names by the id that they belong to."""
        found: dict[int, list[str]] = {}
        for key, name in await self._all(query):
            found.setdefault(key, []).append(name)
        return found


def _house(row: Any, admins: list[str]) -> House:
    return House(
        room=row.id,
        name=row.name,
        title=row.title,
        private=bool(row.private),
        archived=row.archived_at is not None,
        members=row.members,
        messages=row.messages,
        last_at=row.last_at,
        retention_days=row.retention_days,
        admins=admins,
    )

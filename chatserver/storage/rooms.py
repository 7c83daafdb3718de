"""Queries about rooms and memberships."""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import EventKind, RoomFacts, RoomKind, RoomState
from chatserver.protocol import ROOMS_LIMIT
from chatserver.storage import room_list
from chatserver.storage.batch_loader import BatchLoader
from chatserver.storage.bulk import RowLookup, key_slices
from chatserver.storage.engine import Database
from chatserver.storage.members import IS_MEMBER
from chatserver.storage.readers import Share
from chatserver.storage.room_facts import FACTS, facts_of, pair_names, room_facts
from chatserver.storage.room_list import ReadCost, UserRooms
from chatserver.storage.room_summary import read_states, room_state
from chatserver.storage.slices import ROWS_PER_READ, pages
from chatserver.storage.tables import events, members, rooms, users
from chatserver.storage.unique_names import room_by_name


@dataclass(frozen=True, slots=True)
class Access:
    """A room that a user may read up to `head`. `left_seq`: where a former member left."""

    facts: RoomFacts
    head: int
    left_seq: int | None


@dataclass(frozen=True, slots=True)
class NewMembership:
    """A membership that began with the event `seq`."""

    user_id: int
    room: int
    seq: int


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """A user's new read position in a room; `is_shown`: to the members of the room."""

    user_id: int
    room: int
    seq: int
    is_shown: bool


@dataclass(frozen=True, slots=True)
class PublicRoom:
    """A room that a user can join, without its messages."""

    room: int
    name: str
    title: str
    topic: str
    members: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member; `role` in the room is admin or member, `read` is the read position."""

    name: str
    display: str
    role: str
    read: int


class Rooms:
    """Rooms as users see them, and the memberships that decide which."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock
        self._rooms_of = database.batch_loader(self._find_rooms)
        self._large_rooms_of = BatchLoader(self._find_large, size=1)
        database.close_first(self._large_rooms_of)

    async def count(self) -> int:
        query = sa.select(sa.func.count()).select_from(rooms)
        async with self._database.reading() as connection:
            return int(await connection.scalar(query) or 0)

    async def for_user(self, user_id: int) -> UserRooms:
        """Return the rooms of a user; if there are very many, only the most relevant ones.

        Concurrent calls share one query, which always begins after the call.
        """
        found = await self._rooms_of.get(user_id)
        if isinstance(found, ReadCost):
            found = await self._large_rooms_of.get(found)
        return found or UserRooms({}, [])

    async def _find_rooms(self, user_ids: Sequence[int]) -> dict[int, UserRooms | ReadCost]:
        async with self._database.reading(Share.HISTORY) as connection:
            return await connection.run_sync(room_list.read_rooms, user_ids)

    async def _find_large(self, costs: Sequence[ReadCost]) -> dict[ReadCost, UserRooms]:
        async with self._database.reading(Share.HISTORY) as connection:
            return {cost: await connection.run_sync(room_list.read_large, cost) for cost in costs}

    async def heads(self, user_id: int) -> dict[int, int]:
        """Return the head of each room of a user."""
        async with self._database.reading(Share.HISTORY) as connection:
            return await connection.run_sync(room_list.heads, user_id)

    async def page_after(
        self, user_id: int, room: int, *, exclude: Collection[int] = ()
    ) -> tuple[list[RoomState], int | None]:
        """Return the rooms of a user after this id, and the cursor of the next page, if any."""
        async with self._database.reading(Share.HISTORY) as connection:
            return await connection.run_sync(room_list.rooms_after, user_id, room, exclude)

    async def state(self, user_id: int, room: int) -> RoomState | None:
        """Return one room as a member sees it; None if the user is not a member."""
        return (await self.states([user_id], room)).get(user_id)

    async def states(self, user_ids: Sequence[int], room: int) -> dict[int, RoomState]:
        """Return one room as each of these users sees it, without users who are not members."""
        async with self._database.reading(Share.HISTORY) as connection:
            rows = await connection.run_sync(read_states, user_ids, [room])
        return {row.me: room_state(row) for row in rows}

    async def mark(self, user_id: int, room: int, **marks: bool | str) -> int | None:
        """Set columns of a member; return the read position, None for a nonmember."""
        own = sa.and_(members.c.user_id == user_id, members.c.room_id == room)
        own = sa.and_(own, IS_MEMBER)

        def work(connection: Connection) -> int | None:
            connection.execute(members.update().where(own).values(**marks))
            return connection.scalar(sa.select(members.c.read_seq).where(own))

        return await self._database.transaction(work)

    async def advance_reads(self, positions: dict[tuple[int, int], int]) -> list[ReadPosition]:
        """Advance read positions by (user, room), at most to the head; return the advanced ones."""
        return await self._database.transaction(lambda c: _advance_reads(c, positions))

    async def find_by_name(self, name: str, user_id: int) -> int | None:
        """Return the id of the user's room of that name, or of the public one."""
        async with self._database.reading() as connection:
            found = await connection.scalar(*room_by_name(name, user_id))
            return int(found) if found is not None else None

    async def public(self, after: str = "") -> tuple[list[PublicRoom], str | None]:
        """Return public rooms after a name, and the cursor of the next page, if any."""
        query = _PUBLIC.where(rooms.c.name > after).order_by(rooms.c.name).limit(ROOMS_LIMIT + 1)
        async with self._database.reading(Share.HISTORY) as connection:
            found = [PublicRoom(*row) for row in await connection.execute(query)]
        page = found[:ROOMS_LIMIT]
        return page, page[-1].name if len(found) > len(page) else None

    async def public_room(self, room: int) -> PublicRoom | None:
        """Return a room if it is public."""
        async with self._database.reading(Share.HISTORY) as connection:
            row = (await connection.execute(_PUBLIC.where(rooms.c.id == room))).one_or_none()
        return PublicRoom(*row) if row else None

    async def members_of(self, room: int) -> list[Member]:
        """Return the members of a room, by name."""
        async with aclosing(self.member_pages(room, ROWS_PER_READ)) as found:
            return [member async for page in found for member in page]

    async def member_pages(self, room: int, size: int) -> AsyncGenerator[list[Member]]:
        """Yield them in pages of `size`. Use it with `aclosing`, because it holds a connection."""
        query = (
            sa.select(users.c.name, users.c.display, members.c.role, members.c.read_seq)
            .join(users, users.c.id == members.c.user_id)
            .where(members.c.room_id == room, IS_MEMBER)
            .order_by(users.c.name_key)
        )
        async with (
            self._database.reading(Share.HISTORY) as connection,
            aclosing(pages(connection, query, size)) as found,
        ):
            async for rows in found:
                yield [Member(*row) for row in rows]

    async def former_members(self, room: int) -> list[dict[str, str]]:
        """Return name and display name of users who left a room, without disabled accounts."""
        query = (
            sa.select(users.c.name, users.c.display)
            .join(members, members.c.user_id == users.c.id)
            .where(members.c.room_id == room, members.c.left_at.is_not(None))
            .where(users.c.disabled_at.is_(None))
            .order_by(users.c.name_key)
        )
        async with self._database.reading() as connection:
            return [row._asdict() for row in await connection.execute(query)]

    async def readable(self, user_id: int, numbers: Iterable[int]) -> dict[int, Access]:
        """Return which of these rooms a user may read: those of a member, or of a former one.

        Every read is checked here but that of a search: see `search_candidates.READABLE`.
        """
        found: dict[int, Access] = {}
        async with self._database.reading() as connection:
            for some in key_slices(numbers):
                wanted = {"rooms": some, "user": user_id}
                rows = list(await connection.execute(_READABLE, wanted))
                names = await connection.run_sync(pair_names, rows)
                found |= {row.id: _access(row, names) for row in rows}
        return found

    async def joined_since(self, user_ids: Iterable[int], since: int) -> list[NewMembership]:
        """Return the memberships of these users that began at or after `since` (ms)."""
        query = sa.select(members.c.user_id, members.c.room_id, members.c.joined_seq).where(
            members.c.user_id.in_(list(user_ids)),
            members.c.joined_at >= since,
            IS_MEMBER,
        )
        async with self._database.reading() as connection:
            return [NewMembership(*row) for row in await connection.execute(query)]

    async def membership_changes(self, room: int, seq: int) -> dict[int, int]:
        """Return the users who left or joined a room after `seq`: user id → seq of the last change.

        The row of a user who left and joined again has only the second event. The members are
        read only if there is such an event.
        """
        last = sa.func.coalesce(members.c.left_seq, members.c.joined_seq)
        changed = sa.select(members.c.user_id, last.label("seq"))
        query = changed.where(members.c.room_id == room, last > seq)
        later = sa.select(events.c.seq).where(events.c.room_id == room, events.c.seq > seq)
        async with self._database.reading() as connection:
            if (
                await connection.scalar(later.where(events.c.kind == EventKind.ROOM).limit(1))
                is None
            ):
                return {}
            return {row.user_id: row.seq for row in await connection.execute(query)}

    async def facts(self, numbers: Iterable[int]) -> dict[int, RoomFacts]:
        """Return the immutable facts of these rooms. Callers have to authorise."""
        found: dict[int, RoomFacts] = {}
        async with self._database.reading() as connection:
            for some in key_slices(numbers):
                found |= await connection.run_sync(room_facts, some)
        return found


def _advance_reads(
    connection: Connection, positions: dict[tuple[int, int], int]
) -> list[ReadPosition]:
    advanced = []
    keys = [(room, user_id) for user_id, room in sorted(positions)]
    for row in _READS.rows(connection, keys):
        seq = min(positions[row.user_id, row.room_id], row.head)
        if seq > row.read_seq:
            advanced.append(ReadPosition(row.user_id, row.room_id, seq, bool(row.receipts)))
    if advanced:
        parameters = [{"user": p.user_id, "room": p.room, "seq": p.seq} for p in advanced]
        connection.execute(_FORWARD, parameters)
    return advanced


_READS = RowLookup(
    sa.select(
        members.c.room_id, members.c.user_id, members.c.read_seq, rooms.c.head, rooms.c.receipts
    )
    .join(rooms, rooms.c.id == members.c.room_id)
    .where(IS_MEMBER),
    members.c.room_id,
    members.c.user_id,
)
_FORWARD = (
    members.update()
    .where(members.c.room_id == sa.bindparam("room"), members.c.user_id == sa.bindparam("user"))
    .where(IS_MEMBER, members.c.read_seq < sa.bindparam("seq"))
    .values(read_seq=sa.bindparam("seq"))
)


_READABLE = (
    FACTS.add_columns(rooms.c.head, members.c.left_seq)
    .join(members, members.c.room_id == rooms.c.id)
    .where(rooms.c.id.in_(sa.bindparam("rooms", expanding=True)))
    .where(members.c.user_id == sa.bindparam("user"))
    .where(sa.or_(IS_MEMBER, rooms.c.leavers_read))
)

_PUBLIC = (
    sa.select(rooms.c.id, rooms.c.name, rooms.c.title, rooms.c.topic, rooms.c.members)
    .where(rooms.c.kind == RoomKind.GROUP, sa.not_(rooms.c.private), rooms.c.name.is_not(None))
    .where(rooms.c.archived_at.is_(None))
)


def _access(row: Any, names: dict[int, str]) -> Access:
    head = row.head if row.left_seq is None else row.left_seq
    return Access(facts_of(row, names), head, row.left_seq)

"""Logs of rooms: storing batches of drafts, and reading ranges of events.

Only `store` assigns `seq` numbers. It increments the head in the room's row inside the storing
transaction, so that a room's numbers are gapless and ordered, with any number of nodes.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from chatserver.errors import ChatError, StartError, Unavailable
from chatserver.models import Draft, Event, EventKind, RoomFacts
from chatserver.storage import apply_message, apply_room
from chatserver.storage.apply_message import Outcome
from chatserver.storage.departed_view import (
    as_of_departure,
    count_former_reactions,
    former_reactions,
)
from chatserver.storage.engine import Database
from chatserver.storage.event_rows import (
    EVENTS,
    ReadReactions,
    count_reactions,
    present_reactions,
    read_event,
    read_reactions,
)
from chatserver.storage.failures import LockConflict
from chatserver.storage.idempotency import already_stored, repeat
from chatserver.storage.members import lock_rooms
from chatserver.storage.meta_keys import EPOCH
from chatserver.storage.readers import Share
from chatserver.storage.room_resolution import resolve_rooms
from chatserver.storage.tables import events, meta, rooms

TRIES = 4
LOCK_ATTEMPTS = 2  # attempts that wait for rooms which another transaction has locked
RANGES_PER_QUERY = 200  # SQLite nests conditions no deeper than 1,000
STATEMENT_SIZES = (1, 5, 25, 75, RANGES_PER_QUERY)
NO_RANGE = (0, 1, 0)  # room, first and last seq: contains no event

NO_DEPARTURES: Mapping[int, int] = MappingProxyType({})


class EventLog:
    """Appends to the logs of rooms, and reads them."""

    def __init__(
        self, database: Database, room_quota: int = 0, *, clock: Callable[[], int]
    ) -> None:
        """`clock` returns ms UTC; `room_quota`: bytes of the files of one room, 0 is no limit."""
        self._room_quota = room_quota
        self._database = database
        self._clock = clock
        self._locked_elsewhere: set[int] = set()  # rooms, at the last commit

    async def store(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """Store a batch in one transaction; return one outcome per draft, in order.

        An Event was stored now, a Receipt was stored earlier, an error concerns that draft alone.
        Raises Unavailable if nothing was stored, CommitUnknown if that is unknown.

        The first attempt is optimistic, as if no draft were a repeat, which saves a lookup. After a
        violated constraint the ids are looked up, again if another node stores one at the same
        time. Drafts for a room that stays locked by another transaction are refused, so that those
        for other rooms can be stored.
        """
        optimistic, lock_attempts = True, 0 if self._locked_elsewhere else LOCK_ATTEMPTS
        for attempt in range(TRIES):
            store = partial(self._store, drafts, optimistic, lock_attempts > 0)
            try:
                outcomes = await self._database.transaction(store)
                break
            except IntegrityError:
                if attempt == TRIES - 1:
                    raise
            except LockConflict:
                if attempt == TRIES - 1:
                    raise
                lock_attempts -= 1
            optimistic = False
        self._database.durability_counter.add(sum(type(outcome) is Event for outcome in outcomes))
        return outcomes

    def _store(
        self, drafts: Sequence[Draft], optimistic: bool, wait: bool, connection: Connection
    ) -> list[Outcome]:
        """Store runs of acts on messages together, and acts on rooms one by one, in order.

        Drafts for rooms that could not be locked are refused. `wait`: wait for locks.
        """
        drafts = resolve_rooms(connection, drafts, self._clock())
        locked = self._locked_elsewhere = lock_rooms(
            connection, [draft.room for draft in drafts], wait=wait
        )
        free = [draft for draft in drafts if draft.room not in locked] if locked else drafts
        outcomes: list[Outcome] = []
        for together, run in itertools.groupby(free, key=_is_on_message):
            if together:
                outcomes += apply_message.store(
                    connection,
                    list(run),
                    self._clock(),
                    optimistic=optimistic,
                    room_quota=self._room_quota,
                )
            else:
                outcomes += [self._store_room_act(connection, draft) for draft in run]
        if not locked:
            return outcomes
        stored = iter(outcomes)
        return [Unavailable() if draft.room in locked else next(stored) for draft in drafts]

    def _store_room_act(self, connection: Connection, draft: Draft) -> Outcome:
        stored = already_stored(connection, [draft])
        if stored:
            return repeat(draft, stored[draft.user_id, draft.id])
        try:
            return apply_room.perform(connection, draft, self._clock())
        except ChatError as error:
            return error

    async def after(self, facts: RoomFacts, after: int, upto: int, limit: int) -> list[Event]:
        """Return the events `after` < seq <= `upto`, in order, at most `limit`.

        Like all methods that read events, returns fewer if these have very many reactions.
        """
        bounds = {"room": facts.room, "after": after, "upto": upto, "count": limit}
        return await self._read(_AFTER, {facts.room: facts}, parameters=bounds)

    async def before(
        self, facts: RoomFacts, before: int, limit: int, *, left_seq: int | None = None
    ) -> list[Event]:
        """Return the last `limit` messages with seq < `before`, in order.

        They have their newest state, or that at `left_seq`, with which the reader left.
        """
        bounds = {"room": facts.room, "before": before, "count": limit}
        left_seqs = {} if left_seq is None else {facts.room: left_seq}
        return (await self._read(_BEFORE, {facts.room: facts}, left_seqs, parameters=bounds))[::-1]

    async def ranges(
        self,
        wanted: Iterable[tuple[RoomFacts, int, int]],
        left_seqs: Mapping[int, int] = NO_DEPARTURES,
    ) -> list[Event]:
        """Return the events `after` < seq <= `upto` of several rooms, by room, in order.

        `left_seqs` has the seq with which the reader left a room: its events are shown as of then.
        """
        ranges = list(wanted)
        read: list[Event] = []
        for start in range(0, len(ranges), RANGES_PER_QUERY):
            read += await self._ranges(ranges[start : start + RANGES_PER_QUERY], left_seqs)
        return read

    async def _ranges(
        self, ranges: list[tuple[RoomFacts, int, int]], left_seqs: Mapping[int, int]
    ) -> list[Event]:
        bounds = [(facts.room, after + 1, upto) for facts, after, upto in ranges]
        # Few sizes, because SQLAlchemy compiles and keeps a statement for each.
        size = next(size for size in STATEMENT_SIZES if size >= len(bounds))
        bounds += [NO_RANGE] * (size - len(bounds))
        query = EVENTS.where(
            sa.or_(
                *(
                    sa.and_(events.c.room_id == room, events.c.seq.between(first, last))
                    for room, first, last in bounds
                )
            )
        ).order_by(events.c.room_id, events.c.seq)
        return await self._read(query, {facts.room: facts for facts, _, _ in ranges}, left_seqs)

    async def messages_by(
        self, user_id: int, limit: int, *, after: str | None = None
    ) -> list[tuple[str, int, int]]:
        """Return id, room and seq of a user's messages that are not deleted, by id, `after` one."""
        own = sa.and_(events.c.user_id == user_id, events.c.kind == EventKind.MESSAGE)
        query = (
            sa.select(events.c.client_id, events.c.room_id, events.c.seq)
            .where(own, events.c.deleted_at.is_(None))
            .order_by(events.c.client_id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(events.c.client_id > after)
        async with self._database.reading(Share.COPIES) as connection:
            return [(row[0], row[1], row[2]) for row in await connection.execute(query)]

    async def epoch(self) -> str:
        """Return the epoch: the random name of this log. Raises StartError if it has none."""
        query = sa.select(meta.c.value).where(meta.c.key == EPOCH)
        async with self._database.reading() as connection:
            epoch = (await connection.execute(query)).scalar_one_or_none()
        if epoch is None:
            raise StartError("The database has no epoch, the name of its log: restore a backup.")
        return str(epoch)

    async def total(self) -> int:
        """Return the number of events that were ever stored: heads never decrease."""
        async with self._database.reading() as connection:
            return int(await connection.scalar(sa.select(sa.func.sum(rooms.c.head))) or 0)

    async def heads(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return the last seq of each of these rooms."""
        async with self._database.reading() as connection:
            rows = await connection.execute(_HEADS, {"rooms": list(numbers)})
            return {row.id: row.head for row in rows}

    async def _read(
        self,
        query: sa.Select[Any],
        facts: dict[int, RoomFacts],
        left_seqs: Mapping[int, int] = NO_DEPARTURES,
        *,
        parameters: Mapping[str, int] | None = None,
    ) -> list[Event]:
        async with self._database.reading(Share.HISTORY) as connection:
            rows: Sequence[sa.Row[Any]] = list(await connection.execute(query, parameters))
            rooms_read = {row.room_id for row in rows}
            left_seqs = {room: seq for room, seq in left_seqs.items() if room in rooms_read}
            present = [row for row in rows if row.room_id not in left_seqs]
            counts = await connection.run_sync(count_reactions, present)
            read: ReadReactions = present_reactions
            if left_seqs:
                counts |= await connection.run_sync(count_former_reactions, rows, left_seqs)
                read = partial(former_reactions, left_seqs=left_seqs)
            rows, reacted = await connection.run_sync(read_reactions, rows, counts, read)
            parsed = [read_event(r, facts[r.room_id].partner(r.user_id), reacted) for r in rows]
            if not left_seqs:
                return parsed
            return await connection.run_sync(as_of_departure, parsed, left_seqs)


_OF_ROOM = EVENTS.where(events.c.room_id == sa.bindparam("room"))
_COUNT = sa.bindparam("count", type_=sa.Integer)
_AFTER = (
    _OF_ROOM.where(events.c.seq > sa.bindparam("after"), events.c.seq <= sa.bindparam("upto"))
    .order_by(events.c.seq)
    .limit(_COUNT)
)
_BEFORE = (
    _OF_ROOM.where(events.c.kind == EventKind.MESSAGE, events.c.seq < sa.bindparam("before"))
    .order_by(events.c.seq.desc())
    .limit(_COUNT)
)
_HEADS = sa.select(rooms.c.id, rooms.c.head).where(
    rooms.c.id.in_(sa.bindparam("rooms", expanding=True))
)


def _is_on_message(draft: Draft) -> bool:
    return isinstance(draft.act, apply_message.MESSAGE_ACTS)

"""The log of every room: storing a batch of messages, and reading stretches of it.

`store` is the only place that hands out `seq` numbers. It takes them from the room's row inside the
storing transaction, so that a room's numbers have one order and no holes, whoever else is writing.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError

from chatserver.errors import ChatError, IdConflict, NotFound
from chatserver.models import OWN_ID, Draft, Event, Receipt, RoomFacts
from chatserver.storage.engine import Contended, Database
from chatserver.storage.tables import events, members, rooms, users

MESSAGE = 2  # kinds are the numbers of the wire
TRIES = 3

Outcome = Event | Receipt | ChatError
Known = dict[tuple[int, str], tuple[Receipt, str | None]]


class Log:
    """Appends to the logs of rooms and reads them back."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def store(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """One transaction for the whole batch; one outcome for each draft, in order.

        An Event was stored now, a Receipt tells of an earlier time, an error concerns that draft
        alone. Raises Unavailable when nothing was stored, Undecided when that is unknown.
        """
        for _ in range(TRIES - 1):
            # Another node may store one of these ids after our look-up: then look again.
            with contextlib.suppress(IntegrityError, Contended):
                return await self._database.transaction(lambda c: self._store(c, drafts))
        return await self._database.transaction(lambda c: self._store(c, drafts))

    def _store(self, connection: Connection, drafts: Sequence[Draft]) -> list[Outcome]:
        known = _already_stored(connection, drafts)
        may_write = _members(connection, {(d.room, d.user_id) for d in drafts})
        fresh: dict[tuple[int, str], Draft] = {}
        for draft in drafts:
            key = (draft.user_id, draft.id)
            if key not in known and (draft.room, draft.user_id) in may_write:
                fresh.setdefault(key, draft)
        stored = self._insert(connection, list(fresh.values()))
        return [_outcome(draft, known, fresh, stored) for draft in drafts]

    def _insert(
        self, connection: Connection, fresh: Sequence[Draft]
    ) -> dict[tuple[int, str], Event]:
        if not fresh:
            return {}
        following = _take_numbers(connection, Counter(draft.room for draft in fresh))
        now = self._clock()
        stored, rows = {}, []
        for draft in fresh:
            seq = following[draft.room]
            following[draft.room] += 1
            rows.append(_row(draft, seq, now))
            stored[draft.user_id, draft.id] = _event(draft, seq, now)
        connection.execute(events.insert(), rows)
        return stored

    async def after(self, facts: RoomFacts, after: int, upto: int, limit: int) -> list[Event]:
        """The events `after` < seq <= `upto`, in order, at most `limit`."""
        query = (
            _EVENTS.where(events.c.room_id == facts.room)
            .where(events.c.seq > after, events.c.seq <= upto)
            .order_by(events.c.seq)
            .limit(limit)
        )
        return await self._read(query, {facts.room: facts})

    async def before(self, facts: RoomFacts, before: int, limit: int) -> list[Event]:
        """The last `limit` messages with seq < `before`, in order."""
        query = (
            _EVENTS.where(events.c.room_id == facts.room, events.c.kind == MESSAGE)
            .where(events.c.seq < before)
            .order_by(events.c.seq.desc())
            .limit(limit)
        )
        return (await self._read(query, {facts.room: facts}))[::-1]

    async def stretches(self, wanted: Iterable[tuple[RoomFacts, int, int]]) -> list[Event]:
        """The events `after` < seq <= `upto` of several rooms, by room, in order. One query."""
        stretches = list(wanted)
        if not stretches:
            return []
        query = _EVENTS.where(
            sa.or_(
                *(
                    sa.and_(events.c.room_id == facts.room, events.c.seq.between(after + 1, upto))
                    for facts, after, upto in stretches
                )
            )
        ).order_by(events.c.room_id, events.c.seq)
        return await self._read(query, {facts.room: facts for facts, _, _ in stretches})

    async def heads(self, numbers: Iterable[int]) -> dict[int, int]:
        """The last seq of each of these rooms."""
        query = sa.select(rooms.c.id, rooms.c.head).where(rooms.c.id.in_(list(numbers)))
        async with self._database.reading() as connection:
            return {row.id: row.head for row in await connection.execute(query)}

    async def _read(self, query: sa.Select[Any], facts: dict[int, RoomFacts]) -> list[Event]:
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return [read_event(row, facts[row.room_id].partner(row.user_id)) for row in rows]


_EVENTS = sa.select(
    events.c.room_id,
    events.c.seq,
    events.c.user_id,
    users.c.name.label("user"),
    events.c.body,
    events.c.at,
    events.c.client_id,
    events.c.reply_to,
    events.c.edited_at,
).join_from(events, users, users.c.id == events.c.user_id)


def read_event(row: Row[Any], to: str | None) -> Event:
    """A row of the log as an event. Ids of ours are nobody's business."""
    client_id = None if row.client_id.startswith(OWN_ID) else row.client_id
    return Event(
        row.room_id, row.seq, row.user, row.body, row.at, client_id, to, row.reply_to, row.edited_at
    )


def _already_stored(connection: Connection, drafts: Sequence[Draft]) -> Known:
    keys = sa.tuple_(events.c.user_id, events.c.client_id)
    query = sa.select(
        events.c.user_id,
        events.c.client_id,
        events.c.room_id,
        events.c.seq,
        events.c.at,
        events.c.digest,
    ).where(keys.in_([(draft.user_id, draft.id) for draft in drafts]))
    return {
        (row.user_id, row.client_id): (Receipt(row.room_id, row.seq, row.at, True), row.digest)
        for row in connection.execute(query)
    }


def _members(connection: Connection, pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the (room, user) pairs that may write: members whose account is alive.

    Asked inside the storing transaction, so that nobody writes after having been removed.
    """
    query = (
        sa.select(members.c.room_id, members.c.user_id)
        .join(users, users.c.id == members.c.user_id)
        .where(sa.tuple_(members.c.room_id, members.c.user_id).in_(sorted(pairs)))
        .where(members.c.left_at.is_(None), users.c.disabled_at.is_(None))
    )
    return {(row.room_id, row.user_id) for row in connection.execute(query)}


def _take_numbers(connection: Connection, wanted: Counter[int]) -> dict[int, int]:
    """The first of the numbers taken in each room. In id order: nodes cannot deadlock."""
    ordered = sorted(wanted.items())
    connection.execute(
        rooms.update()
        .where(rooms.c.id == sa.bindparam("room"))
        .values(head=rooms.c.head + sa.bindparam("count")),
        [{"room": room, "count": count} for room, count in ordered],
    )
    query = sa.select(rooms.c.id, rooms.c.head).where(rooms.c.id.in_([room for room, _ in ordered]))
    return {row.id: row.head - wanted[row.id] + 1 for row in connection.execute(query)}


def _row(draft: Draft, seq: int, now: int) -> dict[str, Any]:
    return {
        "room_id": draft.room,
        "seq": seq,
        "kind": MESSAGE,
        "user_id": draft.user_id,
        "client_id": draft.id,
        "digest": draft.digest,
        "body": draft.data,
        "reply_to": draft.reply_to,
        "at": now,
    }


def _event(draft: Draft, seq: int, now: int) -> Event:
    return Event(
        room=draft.room,
        seq=seq,
        user=draft.user,
        data=draft.data,
        at=now,
        id=None if draft.own_id else draft.id,
        to=draft.to,
        reply_to=draft.reply_to,
        people=draft.people,
    )


def _outcome(
    draft: Draft,
    known: Known,
    fresh: dict[tuple[int, str], Draft],
    stored: dict[tuple[int, str], Event],
) -> Outcome:
    key = (draft.user_id, draft.id)
    if key in known:
        receipt, digest = known[key]
        return receipt if digest in (None, draft.digest) else IdConflict()
    if key not in stored:
        return NotFound()
    event = stored[key]
    if fresh[key] is draft:
        return event
    if fresh[key].digest != draft.digest:
        return IdConflict()
    return Receipt(event.room, event.seq, event.at, duplicate=True)

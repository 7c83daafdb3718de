"""The log of every room: storing a batch of messages, and reading stretches of it.

`store` is the only place that hands out `seq` numbers. It takes them from the room's row inside the
storing transaction, so that a room's numbers have one order and no holes, whoever else is writing.
"""

import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError

from chatserver.errors import ChatError, Forbidden, NotFound, _
from chatserver.models import OWN_ID, Draft, Event, Kind, Message, Receipt, RoomFacts
from chatserver.storage import acts, search
from chatserver.storage.engine import Database
from chatserver.storage.failures import Contended
from chatserver.storage.members import hold_rooms, standings
from chatserver.storage.pairs import ByPairs, CountedUp, ManyRows
from chatserver.storage.repeats import Known, already_stored, repeat
from chatserver.storage.search import Entry
from chatserver.storage.tables import ExactText, events, reactions, rooms, users

TRIES = 3  # before the last
STRETCHES = 200  # rooms that one query reads: SQLite nests conditions no deeper than 1,000

Outcome = Event | Receipt | ChatError
Standings = dict[tuple[int, int], Any]  # (room, user) → see `members.standings`
Reactions = dict[tuple[int, int], dict[str, list[str]]]  # (room, seq) → emoji → names


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
        outcomes = await self._committed(drafts)
        self._database.tally.add(sum(type(outcome) is Event for outcome in outcomes))
        return outcomes

    async def _committed(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """At first as if nothing was a repeat, which spares the look-up; nearly always it is so.

        Where that was wrong the ids are looked up, and again if another node stores one meanwhile.
        """
        for hopeful in (True, *[False] * (TRIES - 1)):
            with contextlib.suppress(IntegrityError, Contended):
                return await self._transaction(drafts, hopeful=hopeful)
        return await self._transaction(drafts, hopeful=False)

    async def _transaction(self, drafts: Sequence[Draft], *, hopeful: bool) -> list[Outcome]:
        return await self._database.transaction(lambda c: self._store(c, drafts, hopeful))

    def _store(
        self, connection: Connection, drafts: Sequence[Draft], hopeful: bool
    ) -> list[Outcome]:
        """Messages that follow one another go in at once, everything else one by one, in order."""
        hold_rooms(connection, [draft.room for draft in drafts])
        outcomes: list[Outcome] = []
        for kind, run in itertools.groupby(drafts, key=lambda draft: type(draft.act)):
            if kind is Message:
                outcomes += self._messages(connection, list(run), hopeful)
            else:
                outcomes += [self._act(connection, draft) for draft in run]
        return outcomes

    def _act(self, connection: Connection, draft: Draft) -> Outcome:
        known = already_stored(connection, [draft])
        if known:
            return repeat(draft, known[draft.user_id, draft.id])
        try:
            return acts.perform(connection, draft, self._clock())
        except ChatError as error:
            return error

    def _messages(
        self, connection: Connection, drafts: Sequence[Draft], hopeful: bool
    ) -> list[Outcome]:
        """Whoever is hopeful looks for repeats only where something cannot be stored.

        A repeat that was hoped to be none ends in an IntegrityError.
        """
        may = standings(connection, {(d.room, d.user_id) for d in drafts})
        fresh = _storable(drafts, may)
        known: Known = {}
        if not hopeful or len(fresh) < len(drafts):
            known = already_stored(connection, drafts)
            fresh = {key: draft for key, draft in fresh.items() if key not in known}
        heads = {room: one.head for (room, _), one in may.items()}
        stored = self._insert(connection, list(fresh.values()), heads) if fresh else {}
        return [_outcome(draft, known, fresh, stored, may) for draft in drafts]

    def _insert(
        self, connection: Connection, fresh: Sequence[Draft], following: dict[int, int]
    ) -> dict[tuple[int, str], Event]:
        """Store all of these behind what their rooms end with; `following` counts on."""
        _TAKEN.add(connection, Counter([draft.room for draft in fresh]))
        now = self._clock()
        stored, rows, called, found = {}, [], [], []
        for draft in fresh:
            room, user_id = draft.room, draft.user_id
            following[room] = seq = following[room] + 1
            event, message = _event(draft, seq, now)
            rows.append(_row(event, draft))
            called += [(room, seq, one) for one in message.mentions]
            found.append(Entry(room, seq, user_id, message.data))
            stored[user_id, draft.id] = event
        _NEW.insert(connection, rows)
        acts.store_mentions(connection, called)
        search.index(connection, found)
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
            _EVENTS.where(events.c.room_id == facts.room, events.c.kind == Kind.MESSAGE)
            .where(events.c.seq < before)
            .order_by(events.c.seq.desc())
            .limit(limit)
        )
        return (await self._read(query, {facts.room: facts}))[::-1]

    async def stretches(self, wanted: Iterable[tuple[RoomFacts, int, int]]) -> list[Event]:
        """The events `after` < seq <= `upto` of several rooms, by room, in order."""
        stretches = list(wanted)
        whole: list[Event] = []
        for start in range(0, len(stretches), STRETCHES):
            whole += await self._stretches(stretches[start : start + STRETCHES])
        return whole

    async def _stretches(self, stretches: list[tuple[RoomFacts, int, int]]) -> list[Event]:
        query = _EVENTS.where(
            sa.or_(
                *(
                    sa.and_(events.c.room_id == facts.room, events.c.seq.between(after + 1, upto))
                    for facts, after, upto in stretches
                )
            )
        ).order_by(events.c.room_id, events.c.seq)
        return await self._read(query, {facts.room: facts for facts, _, _ in stretches})

    async def total(self) -> int:
        """How many events were ever stored: heads never go back."""
        async with self._database.reading() as connection:
            return int(await connection.scalar(sa.select(sa.func.sum(rooms.c.head))) or 0)

    async def heads(self, numbers: Iterable[int]) -> dict[int, int]:
        """The last seq of each of these rooms."""
        async with self._database.reading() as connection:
            rows = await connection.execute(_HEADS, {"rooms": list(numbers)})
            return {row.id: row.head for row in rows}

    async def _read(self, query: sa.Select[Any], facts: dict[int, RoomFacts]) -> list[Event]:
        async with self._database.reading() as connection:
            rows = list(await connection.execute(query))
            reacted = await connection.run_sync(_reactions, rows)
        return [read_event(r, facts[r.room_id].partner(r.user_id), reacted) for r in rows]


_target = events.alias("target")
_EVENTS = (
    sa.select(
        events.c.room_id,
        events.c.seq,
        events.c.kind,
        events.c.user_id,
        users.c.name.label("user"),
        events.c.body,
        events.c.at,
        events.c.client_id,
        events.c.reply_to,
        events.c.edited_at,
        events.c.deleted_at,
        events.c.target_seq,
        _target.c.body.label("text_now"),
    )
    .join_from(events, users, users.c.id == events.c.user_id)
    .outerjoin(
        _target,
        sa.and_(_target.c.room_id == events.c.room_id, _target.c.seq == events.c.target_seq),
    )
)


def read_event(row: Row[Any], to: str | None, reacted: Reactions | None = None) -> Event:
    """A row of the log as an event in its newest state. Ids of ours are nobody's business."""
    event = Event(
        room=row.room_id,
        seq=row.seq,
        user=row.user,
        data=row.body,
        at=row.at,
        id=None if row.client_id.startswith(OWN_ID) else row.client_id,
        to=to,
        reply_to=row.reply_to,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        reactions=(reacted or {}).get((row.room_id, row.seq), {}),
    )
    return event if row.kind == Kind.MESSAGE else _read_act(event, row)


def _read_act(event: Event, row: Row[Any]) -> Event:
    """An edit tells the text that is in force: one that was replaced is never sent again."""
    act = replace(event, kind=Kind(row.kind), target=row.target_seq, to=None)
    match act.kind:
        case Kind.EDIT:
            return replace(act, data=row.text_now or "")
        case Kind.REACT:
            return replace(act, data=row.body[1:], on=row.body[0] == "+")
        case Kind.ROOM:
            return replace(act, data="", change=json.loads(row.body))
        case _:
            return act


def _reactions(connection: Connection, rows: Sequence[Row[Any]]) -> Reactions:
    """Who reacted how to those of these events that are messages, in the order of reacting."""
    keys = [(row.room_id, row.seq) for row in rows if row.kind == Kind.MESSAGE]
    if not keys:
        return {}
    found: Reactions = {}
    for row in _REACTIONS.rows(connection, keys):
        found.setdefault((row.room_id, row.seq), {}).setdefault(row.emoji, []).append(row.name)
    return found


_REACTIONS = ByPairs(
    sa.select(reactions.c.room_id, reactions.c.seq, reactions.c.emoji, users.c.name)
    .join(users, users.c.id == reactions.c.user_id)
    .order_by(reactions.c.at, users.c.name),
    reactions.c.room_id,
    reactions.c.seq,
)


_HEADS = sa.select(rooms.c.id, rooms.c.head).where(
    rooms.c.id.in_(sa.bindparam("rooms", expanding=True))
)
_TAKEN = CountedUp(rooms.c.id, rooms.c.head)


def _event(draft: Draft, seq: int, now: int) -> tuple[Event, Message]:
    message = draft.act
    assert isinstance(message, Message)  # noqa: S101 - `_store` has sorted them
    event = Event(
        room=draft.room,
        seq=seq,
        user=draft.user,
        data=message.data,
        at=now,
        id=None if draft.own_id else draft.id,
        to=message.to,
        reply_to=message.reply_to,
        people=draft.people,
    )
    return event, message


_NEW = ManyRows(
    events,
    "room_id",
    "seq",
    "kind",
    "user_id",
    "client_id",
    "digest",
    "body",
    "reply_to",
    "at",
)


def _row(event: Event, draft: Draft) -> tuple[Any, ...]:
    return (
        event.room,
        event.seq,
        int(Kind.MESSAGE),
        draft.user_id,
        ExactText.kept(draft.id),
        draft.digest,
        event.data,
        event.reply_to,
        event.at,
    )


def _outcome(
    draft: Draft,
    known: Known,
    fresh: dict[tuple[int, str], Draft],
    stored: dict[tuple[int, str], Event],
    may: Standings,
) -> Outcome:
    key = (draft.user_id, draft.id)
    if key in known:
        return repeat(draft, known[key])
    if key not in stored:
        return _refusal(may.get((draft.room, draft.user_id)))
    event = stored[key]
    if fresh[key] is draft:
        return event
    return repeat(draft, (Receipt(event.room, event.seq, event.at, True), fresh[key].digest))


def _storable(drafts: Sequence[Draft], may: Standings) -> dict[tuple[int, str], Draft]:
    """The first draft of each id whose author may write and whose reply answers something."""
    heads = {key: one.head for key, one in may.items() if one.archived_at is None}
    fresh: dict[tuple[int, str], Draft] = {}
    for draft in drafts:
        if _answers(draft) <= heads.get((draft.room, draft.user_id), -1):
            fresh.setdefault((draft.user_id, draft.id), draft)
    return fresh


def _answers(draft: Draft) -> int:
    """The seq of the message that this one answers; 0 for most."""
    return (isinstance(draft.act, Message) and draft.act.reply_to) or 0


def _refusal(standing: Any) -> ChatError:
    if standing is None:
        return NotFound()
    if standing.archived_at is not None:
        return Forbidden(_("This room is archived."))
    return NotFound(_("There is no such message."))

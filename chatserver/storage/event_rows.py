"""Conversion of rows of the log to events, with their reactions."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from chatserver.models import GENERATED_PREFIX, Event, Kind
from chatserver.storage.bulk import PairLookup
from chatserver.storage.tables import events, reactions, users

PAGE_REACTIONS = (
    15_000  # reactions of one page: their names alone fill a reply (event_cache.PAGE_TEXT)
)
READ_REACTIONS = 500  # reactions read in one turn of the event loop

Place = tuple[int, int]  # room and seq of a message
Reactions = dict[Place, dict[str, list[str]]]  # emoji → names

_target = events.alias("target")
EVENTS = (
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
    """Convert a row of the log to an event in its newest state, without a generated id."""
    event = Event(
        room=row.room_id,
        seq=row.seq,
        user=row.user,
        data=row.body,
        at=row.at,
        id=None if row.client_id.startswith(GENERATED_PREFIX) else row.client_id,
        to=to,
        reply_to=row.reply_to,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        reactions=(reacted or {}).get((row.room_id, row.seq), {}),
    )
    return event if row.kind == Kind.MESSAGE else _read_act(event, row)


def _read_act(event: Event, row: Row[Any]) -> Event:
    """Convert an act. An edit gets the present text; replaced texts are never sent again."""
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


def count_reactions(connection: Connection, rows: Sequence[Row[Any]]) -> dict[Place, int]:
    """Return the number of reactions by message, without messages that have none."""
    keys = [(row.room_id, row.seq) for row in rows if row.kind == Kind.MESSAGE]
    found = _COUNTS.rows(connection, keys) if keys else ()
    return {(row.room_id, row.seq): row.many for row in found}


def limit_reactions(rows: Sequence[Row[Any]], counts: Mapping[Place, int]) -> Sequence[Row[Any]]:
    """Return the first of these events, up to the one after PAGE_REACTIONS reactions.

    That one does not fit into a reply, so the reply reports that there are more.
    """
    total = 0
    for index, row in enumerate(rows if counts else ()):
        if total >= PAGE_REACTIONS:
            return rows[: index + 1]
        total += counts.get((row.room_id, row.seq), 0)
    return rows


def read_reactions(
    connection: Connection, rows: Sequence[Row[Any]], counts: Mapping[Place, int]
) -> Reactions:
    """Return the names of users by message and emoji, in order of time.

    Reads in chunks, between which the event loop runs.
    """
    found: Reactions = {}
    reacted_to = [place for row in rows if (place := (row.room_id, row.seq)) in counts]
    for places in _chunks(reacted_to, counts):
        for room, seq, emoji, name in map(tuple, _REACTIONS.rows(connection, places)):
            found.setdefault((room, seq), {}).setdefault(emoji, []).append(name)
    return found


def _chunks(places: Sequence[Place], counts: Mapping[Place, int]) -> Iterator[list[Place]]:
    """Split messages into lists that have about READ_REACTIONS reactions."""
    part: list[Place] = []
    total = 0
    for place in places:
        if part and total + counts[place] > READ_REACTIONS:
            yield part
            part, total = [], 0
        part.append(place)
        total += counts[place]
    if part:
        yield part


_COUNTS = PairLookup(
    sa.select(reactions.c.room_id, reactions.c.seq, sa.func.count().label("many")).group_by(
        reactions.c.room_id, reactions.c.seq
    ),
    reactions.c.room_id,
    reactions.c.seq,
)
_REACTIONS = PairLookup(
    sa.select(reactions.c.room_id, reactions.c.seq, reactions.c.emoji, users.c.name)
    .join(users, users.c.id == reactions.c.user_id)
    .order_by(reactions.c.at, users.c.name),
    reactions.c.room_id,
    reactions.c.seq,
)

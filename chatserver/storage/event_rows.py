"""Conversion of rows of the log to events, with their reactions."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, assert_never

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from chatserver.models import GENERATED_PREFIX, Event, EventKind
from chatserver.protocol import REPLY_CHARS
from chatserver.storage.bulk import RowLookup
from chatserver.storage.tables import EventRef, events, reactions, users

REACTIONS_PER_QUERY = 500  # read in one turn of the event loop
REACTIONS_PER_REPLY = 20_000  # after which a reply ends, because its connection is needed by others

Reactions = dict[EventRef, dict[str, list[str]]]  # emoji → names
ReactionRow = tuple[int, int, str, str]  # room, seq of the message, emoji, name of the user
ReadReactions = Callable[[Connection, list[EventRef]], Iterable[ReactionRow]]

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
        events.c.files,
        _target.c.body.label("text_now"),
        _target.c.files.label("files_now"),
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
        user_id=row.user_id,
        files=row.files or "",
    )
    return event if row.kind == EventKind.MESSAGE else _read_act(event, row)


def _read_act(event: Event, row: Row[Any]) -> Event:
    """Convert an act. An edit gets the present text; replaced texts are never sent again."""
    act = replace(event, kind=EventKind(row.kind), target=row.target_seq, to=None)
    match act.kind:
        case EventKind.EDIT:
            return replace(act, data=row.text_now or "", files=row.files_now or "")
        case EventKind.REACT:
            return replace(act, data=row.body[1:], on=row.body[0] == "+")
        case EventKind.ROOM:
            return replace(act, data="", change=json.loads(row.body))
        case EventKind.MESSAGE | EventKind.DELETE:
            return act
        case _:
            assert_never(act.kind)


def count_reactions(connection: Connection, rows: Sequence[Row[Any]]) -> dict[EventRef, int]:
    """Return the number of reactions by message, without messages that have none."""
    keys = [(row.room_id, row.seq) for row in rows if row.kind == EventKind.MESSAGE]
    counts = _COUNTS.rows(connection, keys) if keys else ()
    return {(row.room_id, row.seq): row.total for row in counts}


def present_reactions(connection: Connection, refs: list[EventRef]) -> Iterable[ReactionRow]:
    """Return the present reactions to messages, in order of time."""
    rows: Iterable[Any] = map(tuple, _REACTIONS.rows(connection, refs))
    return rows


def read_reactions(
    connection: Connection,
    rows: Sequence[Row[Any]],
    counts: Mapping[EventRef, int],
    read: ReadReactions = present_reactions,
) -> tuple[Sequence[Row[Any]], Reactions]:
    """Read the names of users by message and emoji, until they fill a reply.

    Return the rows up to the one after that, which does not fit, so that the reply reports that
    there are more. Reads in chunks, between which the event loop runs. `counts`: how many rows are
    read for each message that has reactions.
    """
    reactions_by_message: Reactions = {}
    text, count = 0, 0
    reacted_to = [ref for row in rows if (ref := (row.room_id, row.seq)) in counts]
    for refs in _chunks(reacted_to, counts):
        for room, seq, emoji, name in read(connection, refs):
            reactions_by_message.setdefault((room, seq), {}).setdefault(emoji, []).append(name)
            text += len(name) + 3
        count += sum(counts[ref] for ref in refs)
        if text >= REPLY_CHARS or count >= REACTIONS_PER_REPLY:
            return _until(rows, refs[-1]), reactions_by_message
    return rows, reactions_by_message


def _until(rows: Sequence[Row[Any]], last: EventRef) -> Sequence[Row[Any]]:
    """Return the rows up to the one after a message."""
    index = next(i for i, row in enumerate(rows) if (row.room_id, row.seq) == last)
    return rows[: index + 2]


def _chunks(refs: Sequence[EventRef], counts: Mapping[EventRef, int]) -> Iterator[list[EventRef]]:
    """Split messages into lists that have about REACTIONS_PER_QUERY reactions."""
    part: list[EventRef] = []
    total = 0
    for ref in refs:
        if part and total + counts[ref] > REACTIONS_PER_QUERY:
            yield part
            part, total = [], 0
        part.append(ref)
        total += counts[ref]
    if part:
        yield part


# Counted for one message after another: a GROUP BY over all of them would sort their reactions.
_TO_MESSAGE = sa.and_(reactions.c.room_id == events.c.room_id, reactions.c.seq == events.c.seq)


def _scalar(value: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    query = sa.select(value).select_from(reactions).where(_TO_MESSAGE)
    return query.correlate(events).scalar_subquery()


_COUNTED = sa.select(events.c.room_id, events.c.seq, _scalar(sa.func.count()).label("total")).where(
    sa.select(reactions.c.seq).where(_TO_MESSAGE).correlate(events).exists()
)
_COUNTS = RowLookup(_COUNTED, events.c.room_id, events.c.seq)
REACTION_COUNTS = RowLookup(
    _COUNTED.add_columns(_scalar(sa.func.count(reactions.c.emoji.distinct())).label("emoji")),
    events.c.room_id,
    events.c.seq,
)
_REACTIONS = RowLookup(
    sa.select(reactions.c.room_id, reactions.c.seq, reactions.c.emoji, users.c.name)
    .join(users, users.c.id == reactions.c.user_id)
    .order_by(reactions.c.at, users.c.name),
    reactions.c.room_id,
    reactions.c.seq,
)

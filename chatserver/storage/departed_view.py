"""Messages as they were when a former member left the room: see `storage.rooms.Rooms.readable`.

The log has only the newest text of a message. A message that was edited or deleted since is shown
as deleted, because its former text is gone. Its reactions are those whose last event up to the
departure added them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from chatserver.models import Event, EventKind
from chatserver.storage.bulk import RowLookup
from chatserver.storage.event_rows import REACTIONS_PER_QUERY, ReactionRow, present_reactions
from chatserver.storage.tables import EventRef, events, users

LeftSeqs = Mapping[int, int]  # room → seq with which the reader left


def is_changed_after(room: Any, message: Any, seq: Any) -> sa.Exists:
    """Return a condition: the message of a room was edited or deleted after the event `seq`.

    The arguments may be columns or values.
    """
    change = events.alias("change")
    later = sa.and_(change.c.room_id == room, change.c.target_seq == message, change.c.seq > seq)
    changes = sa.select(change.c.seq).where(
        later, change.c.kind.in_((EventKind.EDIT, EventKind.DELETE))
    )
    return changes.correlate_except(change).exists()


def as_of_departure(
    connection: Connection, read: Sequence[Event], left_seqs: LeftSeqs
) -> list[Event]:
    """Hide what was edited or deleted in rooms after the reader had left."""
    messages = {(event.room, _message(event)) for event in read if event.room in left_seqs}
    rows = _CHANGED.rows(connection, sorted(messages)) if messages else ()
    changed = {
        (row.room_id, row.target_seq) for row in rows if row.last_seq > left_seqs[row.room_id]
    }
    return [_hidden(event) if (event.room, _message(event)) in changed else event for event in read]


def _message(event: Event) -> int:
    """Return the seq of the message that an event is, or has the text of."""
    return event.target if event.kind is EventKind.EDIT and event.target else event.seq


def _hidden(event: Event) -> Event:
    if event.kind is EventKind.EDIT:
        return replace(event, data="", files="")
    return replace(event, data="", files="", edited_at=None, deleted_at=event.at, reactions={})


def count_former_reactions(
    connection: Connection, read: Sequence[Row[Any]], left_seqs: LeftSeqs
) -> dict[EventRef, int]:
    """Return how many events `former_reactions` reads at most for each message that has any."""
    messages = [
        (row.room_id, row.seq) for row in read if row.room_id in left_seqs and _has_reactions(row)
    ]
    rows = _COUNTS.rows(connection, messages) if messages else ()
    counts = {(row.room_id, row.target_seq): int(row.total) for row in rows}
    if sum(counts.values()) <= REACTIONS_PER_QUERY:
        return counts  # few enough, also if some are later than the departure
    for room, targets in _by_room(counts):
        found = {"room": room, "left_seq": left_seqs[room], "targets": targets}
        before = dict(map(tuple, connection.execute(_FORMER_COUNTS, found)))
        counts |= {(room, seq): before.get(seq, 0) for seq in targets}
    return counts


def _by_room(refs: Iterable[EventRef]) -> Iterator[tuple[int, list[int]]]:
    for room, group in groupby(sorted(refs), key=itemgetter(0)):
        yield room, [seq for _room, seq in group]


def _has_reactions(row: Row[Any]) -> bool:
    return row.kind == EventKind.MESSAGE and row.deleted_at is None


def former_reactions(
    connection: Connection, refs: list[EventRef], left_seqs: LeftSeqs
) -> Iterator[ReactionRow]:
    """Yield the reactions to messages, as of the departure in the rooms of `left_seqs`."""
    for room, group in groupby(refs, key=lambda ref: ref[0]):
        of_room = list(group)
        if room not in left_seqs:
            yield from present_reactions(connection, of_room)
            continue
        targets = [seq for _, seq in of_room]
        found = {"room": room, "left_seq": left_seqs[room], "targets": targets}
        for seq, emoji, name in map(tuple, connection.execute(_REACTIONS, found)):
            yield room, seq, emoji, name


def _constant(kind: EventKind) -> sa.ColumnElement[int]:
    """Return a kind for a RowLookup, whose only parameter are the keys."""
    return sa.literal_column(f"{kind:d}", sa.Integer)


_ACTS = sa.select(events.c.room_id, events.c.target_seq).group_by(
    events.c.room_id, events.c.target_seq
)
_CHANGED = RowLookup(
    _ACTS.add_columns(sa.func.max(events.c.seq).label("last_seq")).where(
        events.c.kind.in_([_constant(EventKind.EDIT), _constant(EventKind.DELETE)])
    ),
    events.c.room_id,
    events.c.target_seq,
)
_COUNTS = RowLookup(
    _ACTS.add_columns(sa.func.count().label("total")).where(
        events.c.kind == _constant(EventKind.REACT)
    ),
    events.c.room_id,
    events.c.target_seq,
)
_REACTION_EVENTS = sa.and_(
    events.c.room_id == sa.bindparam("room"),
    events.c.target_seq.in_(sa.bindparam("targets", expanding=True)),
    events.c.kind == EventKind.REACT,
    events.c.seq <= sa.bindparam("left_seq", type_=sa.BigInteger),
)
_FORMER_COUNTS = (
    sa.select(events.c.target_seq, sa.func.count())
    .where(_REACTION_EVENTS)
    .group_by(events.c.target_seq)
)
_EMOJI = sa.func.substr(events.c.body, 2)
_ADDED = sa.func.max(sa.case((events.c.body.startswith("+"), events.c.seq), else_=0))
_REMOVED = sa.func.max(sa.case((events.c.body.startswith("-"), events.c.seq), else_=0))
_REACTIONS = (
    sa.select(events.c.target_seq, _EMOJI.label("emoji"), users.c.name)
    .join(users, users.c.id == events.c.user_id)
    .where(_REACTION_EVENTS)
    .group_by(events.c.target_seq, _EMOJI, users.c.name)
    .having(_ADDED > _REMOVED)
    .order_by(_ADDED)
)

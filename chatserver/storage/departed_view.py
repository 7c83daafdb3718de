"""Messages as they were when a former member left the room: see `storage.rooms.Rooms.readable`.

The log has only the newest text of a message. A message that was edited or deleted since is shown
as deleted, because its former text is gone; reactions are replayed from their events.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, Row

from chatserver.models import Event, Kind
from chatserver.storage.tables import events, users

UsersByEmoji = dict[str, list[str]]  # emoji → user names


def as_of_departure(
    connection: Connection, read: Sequence[Event], limits: Mapping[int, int]
) -> list[Event]:
    """Return events in the state at the seq that `limits` has for their room, if any."""
    views = {room: _RoomView(connection, room, seq, read) for room, seq in limits.items()}
    return [views[event.room].show(event) if event.room in views else event for event in read]


class _RoomView:
    """The state of one room at one seq."""

    def __init__(self, connection: Connection, room: int, seq: int, read: Sequence[Event]) -> None:
        here = [event for event in read if event.room == room]
        messages = {event.seq for event in here if event.kind is Kind.MESSAGE}
        targets = {event.target for event in here if event.kind is Kind.EDIT}
        of = sa.and_(events.c.room_id == room, events.c.target_seq.in_(messages | targets))
        changed = _CHANGED.where(of, events.c.seq > seq)
        self._changed = set(connection.scalars(changed))
        self._reactions = _replayed(
            list(connection.execute(_REACTED.where(of, events.c.seq <= seq)))
        )

    def show(self, event: Event) -> Event:
        match event.kind:
            case Kind.MESSAGE if event.seq in self._changed:
                return replace(event, data="", edited_at=None, deleted_at=event.at, reactions={})
            case Kind.MESSAGE if event.deleted_at is None:
                return replace(event, reactions=self._reactions.get(event.seq, {}))
            case Kind.EDIT if event.target in self._changed:
                return replace(event, data="")
            case _:
                return event


def _replayed(rows: Sequence[Row[Any]]) -> dict[int, UsersByEmoji]:
    """Return reactions by message, from the last events that added (+) and removed (-) each."""
    found: dict[int, dict[str, dict[str, None]]] = {}
    for seq, body, name in map(tuple, rows):
        of_message = found.setdefault(seq, {})
        names = of_message.pop(body[1:], {})
        names.pop(name, None)
        if body[0] == "+":
            names[name] = None
        if names:
            of_message[body[1:]] = names
    return {seq: {emoji: [*names] for emoji, names in by.items()} for seq, by in found.items()}


_CHANGED = sa.select(events.c.target_seq).where(events.c.kind.in_([Kind.EDIT, Kind.DELETE]))
_REACTED = (
    sa.select(events.c.target_seq, events.c.body, users.c.name)
    .join(users, users.c.id == events.c.user_id)
    .where(events.c.kind == Kind.REACT)
    .group_by(events.c.target_seq, events.c.body, users.c.name)
    .order_by(sa.func.max(events.c.seq))
)

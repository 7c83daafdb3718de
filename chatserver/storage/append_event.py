"""Appends a single event to the log of a room."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import Draft, Event, EventKind
from chatserver.storage.tables import events, rooms


def append_event(
    connection: Connection,
    draft: Draft,
    now: int,
    kind: EventKind,
    *,
    target: int | None = None,
    body: str = "",
    room: int | None = None,
) -> int:
    """Append one event to the log of `room`, else of the draft's room, and return its `seq`."""
    room_id = room or draft.room
    is_room = rooms.c.id == room_id
    connection.execute(rooms.update().where(is_room).values(head=rooms.c.head + 1))
    seq = int(connection.scalar(sa.select(rooms.c.head).where(is_room)) or 0)
    row = {
        "room_id": room_id,
        "seq": seq,
        "kind": kind,
        "user_id": draft.user_id,
        "client_id": draft.id,
        "digest": draft.digest,
        "target_seq": target,
        "body": body,
        "at": now,
    }
    connection.execute(events.insert().values(row))
    return seq


def event_from_draft(
    draft: Draft,
    seq: int,
    now: int,
    kind: EventKind,
    *,
    room: int | None = None,
    data: str = "",
    **fields: Any,
) -> Event:
    """Return the event that a stored draft became. `fields` are further fields of `Event`."""
    return Event(
        room=room or draft.room,
        seq=seq,
        user=draft.user,
        data=data,
        at=now,
        id=None if draft.generated_id else draft.id,
        kind=kind,
        participants=draft.participants,
        user_id=draft.user_id,
        **fields,
    )

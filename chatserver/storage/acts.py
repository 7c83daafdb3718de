"""Everything but plain messages that becomes an event: each act checked, then applied.

An act raises a ChatError before it has changed anything, so a refusal concerns that act alone.
"""

from collections.abc import Sequence
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import BadRequest, Forbidden, NotFound, _
from chatserver.models import (
    Change,
    Create,
    Delete,
    Dismiss,
    Draft,
    Edit,
    Enrol,
    Event,
    Kind,
    Message,
    React,
)
from chatserver.storage import room_acts, search_index
from chatserver.storage.append import append, told
from chatserver.storage.members import governs, open_room, standing
from chatserver.storage.tables import events, mentions, reactions

EMOJI = 50  # different ones on one message


def perform(connection: Connection, draft: Draft, now: int) -> Event:
    """Apply one act and append its event. Raises ChatError when it may not be."""
    act = draft.act
    match act:
        case Create():
            return room_acts.create(connection, draft, act, now)
        case Edit():
            return _edit(connection, draft, act, now)
        case Delete():
            return _delete(connection, draft, act, now)
        case React():
            return _react(connection, draft, act, now)
        case Enrol():
            return room_acts.enrol(connection, draft, act, now)
        case Dismiss():
            return room_acts.dismiss(connection, draft, act, now)
        case Change():
            return room_acts.change(connection, draft, act, now)
        case Message():
            raise AssertionError("messages go in batches")
        case _:
            assert_never(act)


# Messages: edit, delete, react ------------------------------------------------------------------


def _edit(connection: Connection, draft: Draft, act: Edit, now: int) -> Event:
    open_room(connection, draft)
    target = _target(connection, draft.room, act.target)
    if target.user_id != draft.user_id:
        raise Forbidden(_("Only its author may edit a message."))
    if target.at < act.since:
        raise Forbidden(_("This message is too old to be edited."))
    _set_message(connection, draft.room, act.target, body=act.data, edited_at=now)
    _forget_mentions(connection, draft.room, act.target)
    store_mentions(connection, [(draft.room, act.target, user_id) for user_id in act.mentions])
    search_index.reindex(connection, draft.room, act.target, act.data)
    seq = append(connection, draft, now, Kind.EDIT, target=act.target)
    return told(draft, seq, now, Kind.EDIT, target=act.target, data=act.data)


def _delete(connection: Connection, draft: Draft, act: Delete, now: int) -> Event:
    """The text goes, and with it what could tell of it: digests, reactions, mentions."""
    may = standing(connection, draft)
    target = _target(connection, draft.room, act.target)
    if target.user_id != draft.user_id and not governs(may):
        raise Forbidden(_("Only its author or an administrator may delete a message."))
    _set_message(connection, draft.room, act.target, body="", digest=None, deleted_at=now)
    about = sa.and_(events.c.room_id == draft.room, events.c.target_seq == act.target)
    connection.execute(events.update().where(about).values(digest=None))
    _forget_mentions(connection, draft.room, act.target)
    connection.execute(reactions.delete().where(_of(reactions, draft.room, act.target)))
    search_index.forget(connection, draft.room, [act.target])
    seq = append(connection, draft, now, Kind.DELETE, target=act.target)
    return told(draft, seq, now, Kind.DELETE, target=act.target)


def _react(connection: Connection, draft: Draft, act: React, now: int) -> Event:
    open_room(connection, draft)
    _target(connection, draft.room, act.target)
    there = _of(reactions, draft.room, act.target)
    if act.on:
        others = sa.select(sa.func.count(reactions.c.emoji.distinct())).where(there)
        if (connection.scalar(others.where(reactions.c.emoji != act.emoji)) or 0) >= EMOJI:
            raise BadRequest(_("This message has too many different reactions."))
    key = {"room_id": draft.room, "seq": act.target, "emoji": act.emoji, "user_id": draft.user_id}
    own = sa.and_(there, reactions.c.emoji == act.emoji, reactions.c.user_id == draft.user_id)
    connection.execute(reactions.delete().where(own))
    if act.on:
        connection.execute(reactions.insert().values({**key, "at": now}))
    body = ("+" if act.on else "-") + act.emoji
    seq = append(connection, draft, now, Kind.REACT, target=act.target, body=body)
    return told(draft, seq, now, Kind.REACT, target=act.target, data=act.emoji, on=act.on)


def _of(table: sa.Table, room: int, seq: int) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.room_id == room, table.c.seq == seq)


def _target(connection: Connection, room: int, seq: int) -> Any:
    """A message that has not been deleted. Raises NotFound."""
    query = sa.select(events.c.user_id, events.c.at).where(
        _of(events, room, seq), events.c.kind == Kind.MESSAGE, events.c.deleted_at.is_(None)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        raise NotFound(_("There is no such message."))
    return found


def _set_message(connection: Connection, room: int, seq: int, **values: Any) -> None:
    connection.execute(events.update().where(_of(events, room, seq)).values(**values))


def _forget_mentions(connection: Connection, room: int, seq: int) -> None:
    connection.execute(mentions.delete().where(_of(mentions, room, seq)))


def store_mentions(connection: Connection, called: Sequence[tuple[int, int, int]]) -> None:
    """(room, seq, user) for everybody whom a message calls."""
    if called:
        keys = ("room_id", "seq", "user_id")
        rows = [dict(zip(keys, one, strict=True)) for one in called]
        connection.execute(mentions.insert(), rows)

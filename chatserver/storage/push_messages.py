"""Messages that cause pushes, with the users whom they mention."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import ALL_MEMBERS, EventKind
from chatserver.storage.bulk import RowLookup
from chatserver.storage.tables import EventRef, events, mentions, rooms, users
from chatserver.text.search_terms import fold

MAX_MESSAGES = 100  # the newest ones of a room that one push is made of
MAX_CALLS = 400  # older ones that mention users


@dataclass(frozen=True)
class PushedMessage:
    """A message. `mentioned`: user ids; `files`: JSON as in `events.files`."""

    seq: int
    user_id: int
    user: str
    display: str
    data: str
    files: str
    mentioned: frozenset[int]

    @cached_property
    def folded(self) -> str:
        return fold(self.data)

    def mentions(self, user_id: int) -> bool:
        return bool(self.mentioned & {user_id, ALL_MEMBERS})


@dataclass(frozen=True, slots=True)
class PushedRoom:
    """A room with some of its messages, in order. `title` may be empty."""

    room: int
    title: str
    is_direct: bool
    members: int
    messages: list[PushedMessage]


def read_range(connection: Connection, room: int, after: int, upto: int) -> PushedRoom | None:
    """Return the newest messages `after` < seq <= `upto` that are not deleted.

    Of older ones, the last one that mentions a user is among them, for each user and author: many
    messages that follow a mention do not hide it.
    """
    bounds = {"room": room, "after": after, "upto": upto}
    facts = connection.execute(_ROOM, {"room": room}).first()
    rows = list(connection.execute(_RANGE, bounds))
    if facts is None or not rows:
        return None
    if len(rows) == MAX_MESSAGES:
        rows += connection.execute(_CALLS, bounds | {"upto": rows[-1].seq - 1})
    mentioned = _by_message(_MENTIONS.rows(connection, [(room, row.seq) for row in rows]))
    messages = [_message(row, mentioned) for row in reversed(rows)]
    is_direct = facts.pair_key is not None
    return PushedRoom(room, facts.title, is_direct, facts.members, messages)


def read_messages(
    connection: Connection, refs: Collection[EventRef]
) -> dict[EventRef, PushedMessage]:
    """Return those of some messages that are not deleted, as they are now."""
    rows = _SOME.rows(connection, refs)
    mentioned = _by_message(_MENTIONS.rows(connection, refs))
    return {(row.room_id, row.seq): _message(row, mentioned) for row in rows}


def _by_message(rows: Any) -> dict[EventRef, set[int]]:
    found: dict[EventRef, set[int]] = {}
    for room, seq, user_id in rows:
        found.setdefault((room, seq), set()).add(user_id)
    return found


def _message(row: Any, mentioned: dict[EventRef, set[int]]) -> PushedMessage:
    room, seq, user_id, user, display, text, files = row
    named = frozenset(mentioned.get((room, seq), ()))
    return PushedMessage(seq, user_id, user, display, text, files, named)


TITLE = sa.func.coalesce(
    sa.func.nullif(rooms.c.title, ""), rooms.c.name, rooms.c.private_name, ""
).label("title")
_ROOM = sa.select(TITLE, rooms.c.pair_key, rooms.c.members).where(
    rooms.c.id == sa.bindparam("room")
)
_PRESENT = (  # without parameters, as statements of RowLookup need it
    sa.select(
        events.c.room_id,
        events.c.seq,
        events.c.user_id,
        users.c.name,
        users.c.display,
        events.c.body,
        sa.func.coalesce(events.c.files, sa.literal_column("''")),
    )
    .join(users, users.c.id == events.c.user_id)
    .where(
        events.c.kind == sa.literal_column(str(EventKind.MESSAGE.value)),
        events.c.deleted_at.is_(None),
    )
)
_SOME = RowLookup(_PRESENT, events.c.room_id, events.c.seq)
_RANGE = (
    _PRESENT.where(events.c.room_id == sa.bindparam("room"))
    .where(events.c.seq > sa.bindparam("after"), events.c.seq <= sa.bindparam("upto"))
    .order_by(events.c.seq.desc())
    .limit(MAX_MESSAGES)
)
_named = events.alias("named")
_LAST_CALLS = (
    sa.select(sa.func.max(mentions.c.seq))
    .join(_named, sa.and_(_named.c.room_id == mentions.c.room_id, _named.c.seq == mentions.c.seq))
    .where(mentions.c.room_id == sa.bindparam("room"), _named.c.deleted_at.is_(None))
    .where(mentions.c.seq > sa.bindparam("after"), mentions.c.seq <= sa.bindparam("upto"))
    .group_by(mentions.c.user_id, _named.c.user_id)
)
_CALLS = (
    _PRESENT.where(events.c.room_id == sa.bindparam("room"), events.c.seq.in_(_LAST_CALLS))
    .order_by(events.c.seq.desc())
    .limit(MAX_CALLS)
)
_MENTIONS = RowLookup(
    sa.select(mentions.c.room_id, mentions.c.seq, mentions.c.user_id),
    mentions.c.room_id,
    mentions.c.seq,
)

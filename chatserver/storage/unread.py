"""Counts of a member's unread messages and mentions.

The work is bounded for each room and for all rooms of a user: a badge needs no exact number of
thousands, and a user may return to any number of messages in hundreds of rooms.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from chatserver.models import ALL_MEMBERS, EventKind
from chatserver.storage.tables import events, members, mentions

MAX_COUNT = 1_000  # messages of one room that are counted at most
MAX_SCANNED = 10_000  # messages that are read to count them, of one room or of all rooms of a user
MIN_SCANNED = 100  # messages of one room that are read in any case: the page shows more as "99+"

ME = members.alias("me")  # whose messages are counted: a subquery can name its columns

_MESSAGE: sa.ColumnElement[int] = sa.literal_column(str(int(EventKind.MESSAGE)))
_ALL_MEMBERS: sa.ColumnElement[int] = sa.literal_column(str(ALL_MEMBERS))
_ONE: sa.ColumnElement[int] = sa.literal_column("1")
_SCANNED = sa.bindparam("scanned", type_=sa.Integer)
# MariaDB would read whole rows, and their pages, in the order of the primary key.
_COVERING = "FORCE INDEX (ix_events_room_id_kind_seq_user_id_deleted_at)"


def scan_limit(unread_events: Iterable[int]) -> int:
    """Return how many messages of each room to read.

    `unread_events` are the numbers of events after the read positions.

    All rooms have the same limit, so that MAX_SCANNED messages are read in total, or MIN_SCANNED
    of each room if that is more. Rooms with fewer unread messages are counted exactly.
    """
    remaining, sizes = MAX_SCANNED, sorted(unread_events)
    for number, size in enumerate(sizes):
        share = remaining // (len(sizes) - number)
        if size > share:
            return max(share, MIN_SCANNED)
        remaining -= size
    return MAX_SCANNED


def unread_of(room: Any, user: Any, read: Any) -> sa.Select[Any]:
    """Count the messages of others after the read position that are not deleted."""
    scanned = (
        sa.select(events.c.user_id, events.c.deleted_at)
        .with_hint(events, _COVERING, "mysql")
        .where(events.c.room_id == room, events.c.kind == _MESSAGE, events.c.seq > read)
        .order_by(events.c.seq)
        .limit(_SCANNED)
        .correlate(ME)
        .subquery("scanned")
    )
    return _counted(
        sa.select(_ONE.label("one"))
        .select_from(scanned)
        .where(scanned.c.user_id != user, scanned.c.deleted_at.is_(None))
    )


def mentions_of(room: Any, user: Any, read: Any) -> sa.Select[Any]:
    """Count the unread messages that mention the user."""
    scanned = (
        sa.select(mentions.c.room_id, mentions.c.seq)
        .where(mentions.c.room_id == room, mentions.c.seq > read)
        .where(mentions.c.user_id.in_([user, _ALL_MEMBERS]))
        .distinct()  # a message may mention the user and all members
        .limit(_SCANNED)
        .correlate(ME)
        .subquery("scanned")
    )
    same = sa.and_(events.c.room_id == scanned.c.room_id, events.c.seq == scanned.c.seq)
    return _counted(
        sa.select(scanned.c.seq).join_from(scanned, events, same).where(events.c.user_id != user)
    )


def _counted(found: sa.Select[Any]) -> sa.Select[Any]:
    found = found.limit(sa.literal_column(str(MAX_COUNT))).correlate(ME)
    return sa.select(sa.func.count()).select_from(found.subquery("counted")).correlate(ME)

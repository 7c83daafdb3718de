"""How many messages a member has not read, and how many of them call that member.

What is counted is bounded: a badge needs no exact number of thousands, and a member may come back
to any number of messages.
"""

from typing import Any

import sqlalchemy as sa

from chatserver.models import ALL_MEMBERS, Kind
from chatserver.storage.tables import events, members, mentions

MAX_COUNT = 1_000  # messages of one room that are counted at most
MAX_SCANNED = 10_000  # messages of one room that are looked at for it: a member's own do not count

ME = members.alias("me")  # whom statements may count for: a subquery can name its columns

_MESSAGE: sa.ColumnElement[int] = sa.literal_column(str(int(Kind.MESSAGE)))
_EVERYBODY: sa.ColumnElement[int] = sa.literal_column(str(ALL_MEMBERS))
_ONE: sa.ColumnElement[int] = sa.literal_column("1")


def unread_of(room: Any, user: Any, read: Any) -> sa.Select[Any]:
    """How many messages of others behind the read position are still there."""
    scanned = (
        sa.select(events.c.user_id, events.c.deleted_at)
        .where(events.c.room_id == room, events.c.kind == _MESSAGE, events.c.seq > read)
        .order_by(events.c.seq)
        .limit(sa.literal_column(str(MAX_SCANNED)))
        .correlate(ME)
        .subquery("scanned")
    )
    return _counted(
        sa.select(_ONE.label("one"))
        .select_from(scanned)
        .where(scanned.c.user_id != user, scanned.c.deleted_at.is_(None))
    )


def mentions_of(room: Any, user: Any, read: Any) -> sa.Select[Any]:
    """How many of them call this user."""
    same = sa.and_(events.c.room_id == mentions.c.room_id, events.c.seq == mentions.c.seq)
    return _counted(
        sa.select(mentions.c.seq)
        .distinct()
        .join_from(mentions, events, same)
        .where(mentions.c.room_id == room, mentions.c.seq > read, events.c.user_id != user)
        .where(mentions.c.user_id.in_([user, _EVERYBODY]))
    )


def _counted(found: sa.Select[Any]) -> sa.Select[Any]:
    found = found.limit(sa.literal_column(str(MAX_COUNT))).correlate(ME)
    return sa.select(sa.func.count()).select_from(found.subquery("counted")).correlate(ME)

"""Rooms as their members see them, in one query: what is unread, what was said last."""

from typing import Any

import sqlalchemy as sa

from chatserver.models import EVERYBODY, Kind, RoomKind, RoomState
from chatserver.storage.event_rows import read_event
from chatserver.storage.tables import events, members, mentions, rooms, users

ME = members.alias("me")
_other = members.alias("other")
_partner = users.alias("partner")
_myself = users.alias("myself")
_last = events.alias("last")
_author = users.alias("author")

# Messages of others behind the read position that are still there; and those that call me.
_UNREAD_ONES = (
    sa.select(sa.func.count())
    .select_from(events)
    .where(events.c.room_id == ME.c.room_id, events.c.kind == Kind.MESSAGE)
    .where(events.c.seq > ME.c.read_seq, events.c.user_id != ME.c.user_id)
    .where(events.c.deleted_at.is_(None))
)
_UNREAD = _UNREAD_ONES.scalar_subquery()
_MENTIONS = (
    sa.select(sa.func.count(mentions.c.seq.distinct()))
    .join_from(
        mentions,
        events,
        sa.and_(events.c.room_id == mentions.c.room_id, events.c.seq == mentions.c.seq),
    )
    .where(mentions.c.room_id == ME.c.room_id, mentions.c.seq > ME.c.read_seq)
    .where(mentions.c.user_id.in_([ME.c.user_id, EVERYBODY]))
    .where(events.c.user_id != ME.c.user_id)
    .scalar_subquery()
)
_LAST_SEQ = (
    sa.select(sa.func.max(events.c.seq))
    .where(events.c.room_id == ME.c.room_id, events.c.kind == Kind.MESSAGE)
    .scalar_subquery()
)
# None in a group: databases would look at all its members before they ask what kind it is.
_DIRECT_ROOM = sa.case((rooms.c.kind == RoomKind.DIRECT, rooms.c.id))
STATES: sa.Select[Any] = (
    sa.select(
        rooms.c.id,
        rooms.c.kind.label("room_kind"),
        rooms.c.name,
        rooms.c.title,
        rooms.c.members,
        rooms.c.head,
        ME.c.user_id.label("me"),
        ME.c.read_seq,
        ME.c.muted,
        ME.c.role,
        rooms.c.topic,
        rooms.c.private,
        rooms.c.archived_at,
        rooms.c.receipts,
        _UNREAD.label("unread"),
        _MENTIONS.label("mentions"),
        sa.func.coalesce(_partner.c.name, _myself.c.name).label("partner"),
        sa.func.coalesce(_partner.c.display, _myself.c.display).label("partner_display"),
        _myself.c.name.label("myself"),
        _last.c.room_id,
        _last.c.seq,
        _last.c.kind,
        _last.c.user_id,
        _author.c.name.label("user"),
        _last.c.body,
        _last.c.at,
        _last.c.client_id,
        _last.c.reply_to,
        _last.c.edited_at,
        _last.c.deleted_at,
    )
    .select_from(ME)
    .join(rooms, rooms.c.id == ME.c.room_id)
    .join(_myself, _myself.c.id == ME.c.user_id)
    .outerjoin(
        _other,
        sa.and_(_other.c.room_id == _DIRECT_ROOM, _other.c.user_id != ME.c.user_id),
    )
    .outerjoin(_partner, _partner.c.id == _other.c.user_id)
    .outerjoin(_last, sa.and_(_last.c.room_id == rooms.c.id, _last.c.seq == _LAST_SEQ))
    .outerjoin(_author, _author.c.id == _last.c.user_id)
    .where(ME.c.user_id.in_(sa.bindparam("people", expanding=True)), ME.c.left_at.is_(None))
)


def state(row: Any) -> RoomState:
    """A row of STATES."""
    direct = row.room_kind == RoomKind.DIRECT
    addressee = row.partner if row.user_id == row.me else row.myself
    last = None if row.seq is None else read_event(row, addressee if direct else None)
    return RoomState(
        room=row.id,
        kind=RoomKind(row.room_kind),
        name=row.name,
        title=row.partner_display if direct else row.title,
        members=row.members,
        head=row.head,
        read=row.read_seq,
        unread=row.unread,
        mentions=row.mentions,
        muted=bool(row.muted),
        topic=row.topic,
        private=bool(row.private),
        archived=row.archived_at is not None,
        receipts=bool(row.receipts),
        admin=row.role == "admin",
        to=row.partner if direct else None,
        last=last,
    )

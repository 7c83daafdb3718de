"""Rooms as their members see them, with unread counts and the last message.

Everything is read in one statement, so that counts and heads belong together.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection

from chatserver.models import EventKind, RoomKind, RoomState
from chatserver.notification_rules import room_level
from chatserver.protocol import PREVIEW_CHARS
from chatserver.storage.event_rows import read_event
from chatserver.storage.members import RoomRole, is_membership
from chatserver.storage.tables import events, members, room_name, rooms, users
from chatserver.storage.unread import MAX_SCANNED, ME, mentions_of, unread_of

SIZES = (1, 4, 16, 64, 128, 256)  # of a statement on MySQL, in terms

_other = members.alias("other")
_partner = users.alias("partner")
_myself = users.alias("myself")
_last = events.alias("last")
_author = users.alias("author")


# The statement ------------------------------------------------------------------------------------

_LAST_SEQ = (
    sa.select(events.c.seq)
    .where(events.c.room_id == ME.c.room_id, events.c.kind == EventKind.MESSAGE)
    .order_by(events.c.seq.desc())  # not max(): MariaDB would read the whole index
    .limit(sa.literal_column("1"))
    .scalar_subquery()
)
# NULL for a group: databases would scan all its members before they check the kind.
_DIRECT_ROOM = sa.case((rooms.c.kind == RoomKind.DIRECT, rooms.c.id))
_OF_USERS = sa.and_(ME.c.user_id.in_(sa.bindparam("user_ids", expanding=True)), is_membership(ME))


# Columns that `room_state` reads, without those that differ between the databases.
_ROOM = (
    rooms.c.id,
    rooms.c.kind.label("room_kind"),
    room_name.label("name"),
    rooms.c.title,
    rooms.c.members,
    rooms.c.head,
    rooms.c.topic,
    rooms.c.private,
    rooms.c.archived_at,
    rooms.c.receipts,
)
_MEMBERSHIP = (
    ME.c.user_id.label("me"),
    ME.c.muted,
    ME.c.favorite,
    ME.c.notify,
    ME.c.role,
    sa.func.coalesce(_partner.c.name, _myself.c.name).label("partner"),
    sa.func.coalesce(_partner.c.display, _myself.c.display).label("partner_display"),
    _myself.c.name.label("myself"),
)
_LAST_MESSAGE = (
    _last.c.room_id,
    _last.c.seq,
    _last.c.kind,
    _last.c.user_id,
    _author.c.name.label("user"),
    sa.func.substr(_last.c.body, 1, sa.literal_column(str(PREVIEW_CHARS))).label("body"),
    _last.c.at,
    _last.c.client_id,
    _last.c.reply_to,
    _last.c.edited_at,
    _last.c.deleted_at,
    _last.c.files,
)


def _states(read: Any, unread: Any, mentioned: Any) -> sa.Select[Any]:
    """Return the statement with these expressions for the read position and the two counts."""
    counts = read.label("read_seq"), unread.label("unread"), mentioned.label("mentions")
    return (
        sa.select(*_ROOM, *_MEMBERSHIP, *counts, *_LAST_MESSAGE)
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
        .where(_OF_USERS)
    )


def _in_rooms(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.where(ME.c.room_id.in_(sa.bindparam("rooms", expanding=True)))


_KEYS = (ME.c.room_id, ME.c.user_id, ME.c.read_seq)
_SQLITE = _states(
    ME.c.read_seq, unread_of(*_KEYS).scalar_subquery(), mentions_of(*_KEYS).scalar_subquery()
)
_SQLITE_IN_ROOMS = _in_rooms(_SQLITE)


def read_states(
    connection: Connection,
    user_ids: Sequence[int],
    numbers: Sequence[int] | None = None,
    *,
    scanned: int = MAX_SCANNED,
) -> Sequence[Any]:
    """Return the rooms of these users as rows for `room_state`; `numbers` selects rooms.

    At most `scanned` messages of each room are read to count the unread ones. The caller limits
    the number of rows, because building them takes one turn of the event loop.
    """
    parameters: dict[str, Any] = {"user_ids": user_ids, "scanned": scanned}
    if numbers is not None:
        parameters["rooms"] = numbers
    if connection.dialect.name == "sqlite":
        query = _SQLITE if numbers is None else _SQLITE_IN_ROOMS
        return connection.execute(query, parameters).all()
    return _read_on_mysql(connection, parameters)


# MySQL --------------------------------------------------------------------------------------------
#
# MySQL uses an index range only for values known before the execution: with a read position from
# another table it would scan the whole room. So positions are read first, and are parameters of the
# statement that counts.

Key = tuple[int, int]  # room, user


def _read_on_mysql(connection: Connection, parameters: dict[str, Any]) -> Sequence[Any]:
    positions = connection.execute(
        _POSITIONS_IN_ROOMS if "rooms" in parameters else _POSITIONS, parameters
    )
    unread = {
        (row.room_id, row.user_id): row.read_seq for row in positions if row.head > row.read_seq
    }
    return _count_on_mysql(connection, parameters, unread)


def _count_on_mysql(
    connection: Connection, parameters: dict[str, Any], counted: dict[Key, int]
) -> Sequence[Any]:
    """Repeat if new messages arrived in rooms that had no unread ones."""
    while True:
        terms = {
            f"{name}{number}": value
            for number, ((room, user_id), read) in enumerate(counted.items())
            for name, value in (("room", room), ("user", user_id), ("read", read))
        }
        terms |= _padding(len(counted))
        query = _mysql_query(len(terms) // 3, in_rooms="rooms" in parameters)
        rows = connection.execute(query, parameters | terms).all()
        late = {
            (row.id, row.me): row.read_seq
            for row in rows
            if row.head > row.read_seq and (row.id, row.me) not in counted
        }
        if not late:
            return rows
        counted = counted | late


def _padding(count: int) -> dict[str, int]:
    """Return parameters for rooms that do not exist, up to the next of SIZES.

    Compiling a statement of hundreds of terms is slow, so there are only a few different ones.
    """
    padded = next((size for size in SIZES if size >= count), count) if count else 0
    return {
        f"{name}{number}": 0 for number in range(count, padded) for name in ("room", "user", "read")
    }


@lru_cache(maxsize=200)
def _mysql_query(terms: int, *, in_rooms: bool) -> sa.Select[Any]:
    zero: sa.ColumnElement[int] = sa.literal_column("0")
    if not terms:
        query = _states(ME.c.read_seq, zero, zero)
    else:
        numbered = [_TERM_PARTS.sub(rf":\g<1>{number}", _TERM) for number in range(terms)]
        columns = [sa.column(name, sa.BigInteger) for name in _TERM_COLUMNS]
        counts = sa.text(" UNION ALL ".join(numbered)).columns(*columns).subquery("counts")
        same = sa.and_(counts.c.room_id == ME.c.room_id, counts.c.user_id == ME.c.user_id)
        query = _states(
            sa.func.coalesce(counts.c.read_seq, ME.c.read_seq),
            sa.func.coalesce(counts.c.unread, zero),
            sa.func.coalesce(counts.c.mentions, zero),
        ).outerjoin_from(ME, counts, same)
    return _in_rooms(query) if in_rooms else query


_POSITIONS = (
    sa.select(ME.c.user_id, ME.c.room_id, ME.c.read_seq, rooms.c.head)
    .join_from(ME, rooms, rooms.c.id == ME.c.room_id)
    .where(_OF_USERS)
)
_POSITIONS_IN_ROOMS = _in_rooms(_POSITIONS)
_TERM_COLUMNS = ("room_id", "user_id", "read_seq", "unread", "mentions")
_VALUES = tuple(sa.bindparam(name, type_=sa.BigInteger) for name in ("room", "user", "read"))
_TERM = str(
    sa.select(
        *[value.label(name) for value, name in zip(_VALUES, _TERM_COLUMNS, strict=False)],
        unread_of(*_VALUES).scalar_subquery().label("unread"),
        mentions_of(*_VALUES).scalar_subquery().label("mentions"),
    ).compile(dialect=mysql.dialect(paramstyle="named"))
)
_TERM_PARTS = re.compile(r":(room|user|read)\b")


def room_state(row: Any, scanned: int = MAX_SCANNED) -> RoomState:
    """Convert a row of `read_states`, for which `scanned` messages were read."""
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
        unread=row.unread or int(_is_last_unread(row)),
        mentions=row.mentions,
        at_least=row.head - row.read_seq > scanned,
        muted=bool(row.muted),
        notify=room_level(row.notify, muted=bool(row.muted)),
        topic=row.topic,
        private=bool(row.private),
        archived=row.archived_at is not None,
        receipts=bool(row.receipts),
        admin=row.role == RoomRole.ADMIN,
        favorite=bool(row.favorite),
        to=row.partner if direct else None,
        last=last,
    )


def _is_last_unread(row: Any) -> bool:
    """Return whether the last message is unread: more own messages may precede it than counted."""
    is_news = row.seq is not None and row.seq > row.read_seq
    return is_news and row.user_id != row.me and row.deleted_at is None

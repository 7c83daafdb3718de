"""Who is to get a push for the messages of a room, and the claim that lets one node send it.

The cursor of web push is a column of the members: up to which message each has got pushes. It is
advanced before a push is sent, in the transaction that checks membership, session and read
position. So a push is sent once or, if the server is killed in between, not at all.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import ALL_MEMBERS, EventKind
from chatserver.storage.engine import Database
from chatserver.storage.members import IS_MEMBER
from chatserver.storage.push_targets import Level, OwnedTarget, alive, read_targets, with_owner
from chatserver.storage.readers import Share
from chatserver.storage.tables import (
    events,
    members,
    mentions,
    push_targets,
    rooms,
    sessions,
    users,
)

MAX_MESSAGES = 100  # the newest ones of a room that one push is made of
MIN_INTERVAL = 20_000  # ms between two pushes for one room to one user
RANGE = 500  # last events of a room that are considered after a start
SHOWN = 86_400_000  # ms for which a notification may still be shown: the longest TTL of a push
MAX_READ = 50  # rooms whose read positions are in one push


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with a browser that gets pushes. `after`: read or pushed up to this seq.

    `waits`: ms until the next push of this room may be sent.
    """

    user_id: int
    after: int
    waits: int
    muted: bool
    levels: frozenset[Level]


@dataclass(frozen=True, slots=True)
class PushedMessage:
    """A message. `mentioned`: user ids; `files`: JSON as in `events.files`."""

    seq: int
    user_id: int
    user: str
    display: str
    data: str
    files: str
    mentioned: frozenset[int]

    def mentions(self, user_id: int) -> bool:
        return bool(self.mentioned & {user_id, ALL_MEMBERS})


@dataclass(frozen=True, slots=True)
class PushedRoom:
    """A room with the newest messages of a range, in order. `title` may be empty."""

    room: int
    title: str
    is_direct: bool
    messages: list[PushedMessage]


@dataclass(frozen=True, slots=True)
class Claim:
    """What this node has to send, and to whom; the rest is by user id.

    `badges`: rooms with mentions; `read`: read positions of the rooms with recent pushes.
    """

    targets: list[OwnedTarget]
    badges: dict[int, int]
    read: dict[int, dict[int, int]]


class PushClaims:
    """Reads candidates and messages, and claims pushes."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock

    async def candidates(self, room: int, upto: int) -> list[Candidate]:
        """Return the members who have neither read nor been pushed the event `upto`."""
        now = self._clock()
        parameters = {"room": room, "upto": upto, "now": now}
        levels: dict[int, set[Level]] = {}
        found = {}
        async with self._database.reading(Share.HISTORY) as connection:
            for row in await connection.execute(_CANDIDATES, parameters):
                levels.setdefault(row.user_id, set()).add(Level(row.level))
                found[row.user_id] = row
        return [
            Candidate(
                user_id,
                max(row.read_seq, row.pushed_seq),
                _remaining(row.pushed_at, now),
                row.muted,
                frozenset(levels[user_id]),
            )
            for user_id, row in found.items()
        ]

    async def messages(self, room: int, after: int, upto: int) -> PushedRoom | None:
        """Return the newest messages `after` < seq <= `upto` that are not deleted."""
        bounds = {"room": room, "after": after, "upto": upto}
        async with self._database.reading(Share.HISTORY) as connection:
            facts = (await connection.execute(_ROOM, {"room": room})).first()
            rows = (await connection.execute(_MESSAGES, bounds)).all()[::-1]
            named: dict[int, set[int]] = {}
            for row in await connection.execute(_MENTIONS, bounds):
                named.setdefault(row.seq, set()).add(row.user_id)
        if facts is None or not rows:
            return None
        messages = [PushedMessage(*row, mentioned=frozenset(named.get(row[0], ()))) for row in rows]
        return PushedRoom(room, facts.title, facts.pair_key is not None, messages)

    async def claim(self, room: int, upto: int, wanted: Mapping[int, int]) -> Claim:
        """Claim pushes up to the event `upto`; `wanted`: the newest message for each user id.

        Users who have read it, have left, or whose push another node has claimed are left out.
        """
        now = self._clock()
        return await self._database.transaction(lambda c: _claim(c, room, upto, wanted, now))

    async def recent(self, since: int) -> list[tuple[int, int, int]]:
        """Return room, first and last seq of the events that are not older than `since` (ms UTC).

        Of each room at most the last RANGE events.
        """
        async with self._database.reading(Share.COPIES) as connection:
            rows = await connection.execute(_RECENT, {"since": since})
            return [(row.room_id, row.first, row.head) for row in rows]


def _remaining(pushed_at: int, now: int) -> int:
    """Return the rest of MIN_INTERVAL. A time in the future is that of a wrong clock."""
    waits = pushed_at + MIN_INTERVAL - now
    return waits if 0 < waits <= MIN_INTERVAL else 0


def _claim(
    connection: Connection, room: int, upto: int, wanted: Mapping[int, int], now: int
) -> Claim:
    own = sa.and_(members.c.room_id == room, members.c.user_id.in_(list(wanted)), IS_MEMBER)
    query = sa.select(
        members.c.user_id, members.c.read_seq, members.c.pushed_seq, members.c.pushed_at
    )
    claimed = [
        row.user_id
        for row in connection.execute(query.where(own).with_for_update())
        if max(row.read_seq, row.pushed_seq) < wanted[row.user_id]
        and not _remaining(row.pushed_at, now)
    ]
    if not claimed:
        return Claim([], {}, {})
    mine = sa.and_(members.c.room_id == room, members.c.user_id.in_(claimed))
    connection.execute(members.update().where(mine).values(pushed_seq=upto, pushed_at=now))
    targets = read_targets(connection, now, sessions.c.user_id.in_(claimed))
    return Claim(targets, _badges(connection, claimed), _read(connection, claimed, now))


def _badges(connection: Connection, user_ids: Collection[int]) -> dict[int, int]:
    """Return the number of rooms with unread mentions or direct messages, by user id."""
    rows = connection.execute(_BADGES, {"users": list(user_ids)})
    return {row.user_id: row.rooms for row in rows}


def _read(connection: Connection, user_ids: Collection[int], now: int) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for row in connection.execute(_PUSHED, {"users": list(user_ids), "since": now - SHOWN}):
        own = found.setdefault(row.user_id, {})
        if len(own) < MAX_READ:
            own[row.room_id] = row.read_seq
    return found


_CANDIDATES = (
    with_owner(
        sessions.c.user_id,
        push_targets.c.level,
        members.c.read_seq,
        members.c.pushed_seq,
        members.c.pushed_at,
        members.c.muted,
    )
    .join(members, members.c.user_id == sessions.c.user_id)
    .where(members.c.room_id == sa.bindparam("room"), IS_MEMBER, alive(sa.bindparam("now")))
    .where(members.c.read_seq < sa.bindparam("upto"), members.c.pushed_seq < sa.bindparam("upto"))
)
_ROOM = sa.select(
    sa.func.coalesce(
        sa.func.nullif(rooms.c.title, ""), rooms.c.name, rooms.c.private_name, ""
    ).label("title"),
    rooms.c.pair_key,
).where(rooms.c.id == sa.bindparam("room"))
_MESSAGES = (
    sa.select(
        events.c.seq,
        events.c.user_id,
        users.c.name,
        users.c.display,
        events.c.body,
        sa.func.coalesce(events.c.files, ""),
    )
    .join(users, users.c.id == events.c.user_id)
    .where(events.c.room_id == sa.bindparam("room"), events.c.kind == EventKind.MESSAGE)
    .where(
        events.c.seq > sa.bindparam("after"),
        events.c.seq <= sa.bindparam("upto"),
        events.c.deleted_at.is_(None),
    )
    .order_by(events.c.seq.desc())
    .limit(MAX_MESSAGES)
)
_MENTIONS = (
    sa.select(mentions.c.seq, mentions.c.user_id)
    .where(mentions.c.room_id == sa.bindparam("room"))
    .where(mentions.c.seq > sa.bindparam("after"), mentions.c.seq <= sa.bindparam("upto"))
)
_unread_mention = (
    sa.select(mentions.c.seq)
    .where(mentions.c.room_id == members.c.room_id, mentions.c.seq > members.c.read_seq)
    .where(sa.or_(mentions.c.user_id == members.c.user_id, mentions.c.user_id == ALL_MEMBERS))
    .correlate(members)
    .exists()
)
_BADGES = (
    sa.select(members.c.user_id, sa.func.count().label("rooms"))
    .join(rooms, rooms.c.id == members.c.room_id)
    .where(members.c.user_id.in_(sa.bindparam("users", expanding=True)), IS_MEMBER)
    .where(rooms.c.head > members.c.read_seq)
    .where(sa.or_(rooms.c.pair_key.is_not(None), _unread_mention))
    .group_by(members.c.user_id)
)
_PUSHED = (
    sa.select(members.c.user_id, members.c.room_id, members.c.read_seq)
    .where(members.c.user_id.in_(sa.bindparam("users", expanding=True)), IS_MEMBER)
    .where(members.c.pushed_at >= sa.bindparam("since"))
    .order_by(members.c.pushed_at.desc())
)
_last = events.alias("last")
_RECENT = (
    sa.select(events.c.room_id, sa.func.min(events.c.seq).label("first"), rooms.c.head)
    .select_from(rooms)
    .join(_last, sa.and_(_last.c.room_id == rooms.c.id, _last.c.seq == rooms.c.head))
    .join(events, sa.and_(events.c.room_id == rooms.c.id, events.c.seq > rooms.c.head - RANGE))
    .where(_last.c.at >= sa.bindparam("since"), events.c.at >= sa.bindparam("since"))
    .group_by(events.c.room_id, rooms.c.head)
)

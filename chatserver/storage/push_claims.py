"""Who is to get a push for the messages of a room, and the claim that lets one node send it.

The cursor of web push is a column of the members: up to which message each has got pushes. It is
advanced before a push is sent, in the transaction that checks membership, session and read
position. So a push is sent once or, if the server is killed in between, not at all.
"""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.notification_rules import RoomLevel, room_level
from chatserver.protocol import Rules
from chatserver.storage.engine import Database
from chatserver.storage.members import IS_MEMBER
from chatserver.storage.notification_rules import decoded
from chatserver.storage.push_messages import PushedRoom, read_range
from chatserver.storage.push_targets import Level, OwnedTarget, alive, read_targets, with_owner
from chatserver.storage.readers import Share
from chatserver.storage.slices import in_turns, pages
from chatserver.storage.tables import (
    events,
    members,
    notification_rules,
    push_targets,
    rooms,
    sessions,
)

MIN_INTERVAL = 20_000  # ms between two pushes for one room to one user
RANGE = 500  # last events of a room that are considered after a start


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member with a browser that gets pushes. `after`: read or pushed up to this seq.

    `waits`: ms until the next push of this room may be sent.
    """

    user_id: int
    after: int
    waits: int
    rules: Rules
    room_level: RoomLevel
    levels: frozenset[Level]


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
        found: dict[int, Any] = {}
        async with (
            self._database.reading(Share.HISTORY) as connection,
            aclosing(pages(connection, _CANDIDATES, parameters=parameters)) as parts,
        ):
            async for rows in parts:
                for row in rows:
                    levels.setdefault(row.user_id, set()).add(Level(row.level))
                    found[row.user_id] = row
        return [_candidate(row, levels[row.user_id], now) async for row in in_turns(found.values())]

    async def messages(self, room: int, after: int, upto: int) -> PushedRoom | None:
        """Return the newest messages `after` < seq <= `upto` that are not deleted."""
        async with self._database.reading(Share.HISTORY) as connection:
            return await connection.run_sync(read_range, room, after, upto)

    async def claim(self, room: int, upto: int, wanted: Mapping[int, int]) -> list[OwnedTarget]:
        """Claim pushes up to the event `upto`; `wanted`: the newest message for each user id.

        Returns the targets that this node has to send to: not those of users who have read it or
        have left, or whose push another node has claimed.
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


def _candidate(row: Any, levels: set[Level], now: int) -> Candidate:
    after, waits = max(row.read_seq, row.pushed_seq), _remaining(row.pushed_at, now)
    level = room_level(row.notify, muted=row.muted)
    rules = decoded(row.rules)
    return Candidate(row.user_id, after, waits, rules, level, frozenset(levels))


def _remaining(pushed_at: int, now: int) -> int:
    """Return the rest of MIN_INTERVAL. A time in the future is that of a wrong clock."""
    waits = pushed_at + MIN_INTERVAL - now
    return waits if 0 < waits <= MIN_INTERVAL else 0


def _claim(
    connection: Connection, room: int, upto: int, wanted: Mapping[int, int], now: int
) -> list[OwnedTarget]:
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
        return []
    mine = sa.and_(members.c.room_id == room, members.c.user_id.in_(claimed))
    connection.execute(members.update().where(mine).values(pushed_seq=upto, pushed_at=now))
    return read_targets(connection, now, sessions.c.user_id.in_(claimed))


_CANDIDATES = (
    with_owner(
        sessions.c.user_id,
        push_targets.c.level,
        members.c.read_seq,
        members.c.pushed_seq,
        members.c.pushed_at,
        members.c.muted,
        members.c.notify,
        notification_rules.c.rules,
    )
    .join(members, members.c.user_id == sessions.c.user_id)
    .outerjoin(notification_rules, notification_rules.c.user_id == sessions.c.user_id)
    .where(members.c.room_id == sa.bindparam("room"), IS_MEMBER, alive(sa.bindparam("now")))
    .where(members.c.read_seq < sa.bindparam("upto"), members.c.pushed_seq < sa.bindparam("upto"))
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

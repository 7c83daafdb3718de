"""What decides about a push and what it says, read from the database directly before it is sent.

A push may wait long for its turn, so nothing of this is kept from the claim. Concurrent lookups
share their queries.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import ALL_MEMBERS
from chatserver.notification_rules import RoomLevel, room_level
from chatserver.storage.engine import Database
from chatserver.storage.members import IS_MEMBER
from chatserver.storage.notification_rules import decoded
from chatserver.storage.push_claims import Candidate
from chatserver.storage.push_messages import TITLE, PushedMessage, PushedRoom, read_messages
from chatserver.storage.push_targets import OwnedTarget, read_targets
from chatserver.storage.readers import Share
from chatserver.storage.tables import (
    EventRef,
    members,
    mentions,
    notification_rules,
    push_targets,
    rooms,
)

SHOWN = 86_400_000  # ms for which a notification may still be shown: the longest TTL of a push
MAX_READ = 50  # rooms whose read positions are in one push


@dataclass(frozen=True, slots=True)
class PushRef:
    """A claimed push: key of the target, the user that it was claimed for, and its messages."""

    key: str
    user_id: int
    room: int
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Membership:
    """A member for whom a push waits. `room` has its messages that are not deleted."""

    candidate: Candidate
    room: PushedRoom


@dataclass(frozen=True, slots=True)
class PushState:
    """State of a push whose target is valid; `membership`: None if the user has left the room.

    `badge`: number of rooms with unread mentions or direct messages; `read`: read positions of the
    rooms with recent pushes.
    """

    owned: OwnedTarget
    membership: Membership | None
    badge: int
    read: dict[int, int]


class PushStates:
    """Reads states of pushes."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock
        self._loader = database.batch_loader(self._load)

    async def find(self, push: PushRef) -> PushState | None:
        """Return the state of a push, or None if its target is not valid or has another user."""
        return await self._loader.get(push)

    async def _load(self, pushes: Sequence[PushRef]) -> dict[PushRef, PushState]:
        async with self._database.reading(Share.HISTORY) as connection:
            return await connection.run_sync(_states, pushes, self._clock())


def _states(
    connection: Connection, pushes: Sequence[PushRef], now: int
) -> dict[PushRef, PushState]:
    keys = {push.key for push in pushes}
    found = read_targets(connection, now, push_targets.c.key.in_(keys))
    targets = {(owned.target.key, owned.user_id): owned for owned in found}
    valid = [push for push in pushes if (push.key, push.user_id) in targets]
    if not valid:
        return {}
    users = {push.user_id for push in valid}
    badges, read = _badges(connection, users), _read(connection, users, now)
    joined = _memberships(connection, valid)
    messages = read_messages(connection, {(push.room, seq) for push in valid for seq in push.seqs})
    states = {}
    for push in valid:
        owned, row = targets[push.key, push.user_id], joined.get((push.room, push.user_id))
        membership = None if row is None else _membership(push, owned, row, messages)
        own = badges.get(push.user_id, 0), read.get(push.user_id, {})
        states[push] = PushState(owned, membership, *own)
    return states


def _memberships(connection: Connection, pushes: Collection[PushRef]) -> dict[EventRef, Any]:
    """Return the rows of those who are still members, by room and user id."""
    chosen = {"rooms": {push.room for push in pushes}, "users": {push.user_id for push in pushes}}
    values = {name: list(numbers) for name, numbers in chosen.items()}
    return {(row.room_id, row.user_id): row for row in connection.execute(_MEMBERS, values)}


def _membership(
    push: PushRef, owned: OwnedTarget, row: Any, messages: Mapping[EventRef, PushedMessage]
) -> Membership:
    levels = frozenset([owned.target.level])
    level = room_level(row.notify, muted=row.muted)
    candidate = Candidate(push.user_id, row.read_seq, 0, decoded(row.rules), level, levels)
    refs = [(push.room, seq) for seq in push.seqs]
    present = [messages[ref] for ref in refs if ref in messages]
    is_direct = row.pair_key is not None
    room = PushedRoom(push.room, row.title, is_direct, row.members, present)
    return Membership(candidate, room)


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


_OF_USERS = sa.and_(members.c.user_id.in_(sa.bindparam("users", expanding=True)), IS_MEMBER)
_MEMBERS = (
    sa.select(
        members.c.room_id,
        members.c.user_id,
        members.c.read_seq,
        members.c.muted,
        members.c.notify,
        notification_rules.c.rules,
        TITLE,
        rooms.c.pair_key,
        rooms.c.members,
    )
    .join(rooms, rooms.c.id == members.c.room_id)
    .outerjoin(notification_rules, notification_rules.c.user_id == members.c.user_id)
    .where(_OF_USERS, members.c.room_id.in_(sa.bindparam("rooms", expanding=True)))
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
    .where(_OF_USERS, rooms.c.head > members.c.read_seq)
    .where(sa.or_(rooms.c.pair_key.is_not(None), _unread_mention))
    .where(sa.or_(~members.c.muted, sa.func.coalesce(members.c.notify, "") != RoomLevel.NOTHING))
    .group_by(members.c.user_id)
)
_PUSHED = (
    sa.select(members.c.user_id, members.c.room_id, members.c.read_seq)
    .where(_OF_USERS, members.c.pushed_at >= sa.bindparam("since"))
    .order_by(members.c.pushed_at.desc())
)

"""Poll the database for events, sign-outs and memberships that the bus dropped.

If Redis is down, this is how changes on other nodes arrive: seconds late, but complete.
"""

import asyncio
import logging
from collections.abc import Callable

from chatserver.errors import ChatServerError, CloseCode
from chatserver.models import EventKind, RoomFacts, RoomKind
from chatserver.protocol import encode_events
from chatserver.realtime.hub import Hub
from chatserver.storage.event_log import EventLog
from chatserver.storage.rooms import NewMembership, Rooms
from chatserver.storage.sessions import StoredSessions
from chatserver.storage.users import Users

POLL_INTERVAL = 2.0  # seconds
ROOM_BATCH = 500  # rooms in one query
SESSION_BATCH = 500  # open sessions that are checked in one poll
USER_BATCH = 20  # users whose memberships are compared in one poll
JOIN_LOOKBACK = 60_000  # ms to search back for new memberships: the nodes' clocks differ

logger = logging.getLogger(__name__)


class NodeSync:
    """Compares the state of this node with the database."""

    def __init__(
        self,
        hub: Hub,
        log: EventLog,
        rooms: Rooms,
        users: Users,
        sessions: StoredSessions,
        *,
        now: Callable[[], int],
    ) -> None:
        """`now` returns milliseconds UTC."""
        self._hub = hub
        self._log = log
        self._rooms = rooms
        self._users = users
        self._sessions = sessions
        self._now = now
        self._unchecked_sessions: list[str] = []  # open sessions left in this pass
        self._uncompared_users: list[int] = []  # users left in this pass

    async def run(self) -> None:
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            try:
                await self.poll()
            except ChatServerError as error:
                logger.warning("cannot poll for changes of other nodes: %s", error)
            except Exception:
                logger.exception("polling for changes of other nodes failed")

    async def poll(self) -> None:
        """Fetch what is missing; close connections whose session ended on another node."""
        self._hub.presence.check_nodes()
        await self._announce_new_rooms(self._hub.users(), self._now() - JOIN_LOOKBACK)
        await self._compare_memberships()
        rooms = self._hub.subscriptions.rooms()
        for start in range(0, len(rooms), ROOM_BATCH):
            heads = await self._log.heads(rooms[start : start + ROOM_BATCH])
            for room, head in heads.items():
                self._hub.notify_gap(room, head)
        await self._end_sessions()

    async def _compare_memberships(self) -> None:
        """Compare the rooms of some users, which finds memberships even if clocks are wrong."""
        if not self._uncompared_users:
            self._uncompared_users = self._hub.users()
        batch = self._uncompared_users[:USER_BATCH]
        del self._uncompared_users[:USER_BATCH]
        affected = [user_id for user_id in batch if await self._misses_rooms(user_id)]
        if affected:
            await self._announce_new_rooms(affected, 0)

    async def _misses_rooms(self, user_id: int) -> bool:
        rooms = (await self._rooms.heads(user_id)).keys()
        return any(rooms - connection.rooms for connection in self._hub.connections_of(user_id))

    async def _announce_new_rooms(self, users: list[int], since: int) -> None:
        """Announce rooms to users who joined them after `since` (ms UTC).

        A direct conversation appears with its first message. Users whose rooms change during the
        query are left to the next poll.
        """
        announced: dict[tuple[int, int], list[int]] = {}
        with self._hub.connecting() as pending:
            memberships = await self._rooms.joined_since(users, since)
            facts = await self._rooms.facts({membership.room for membership in memberships})
            changed = {user_id for user_id in users if pending.take_change(user_id)}
            for membership in memberships:
                if (
                    membership.user_id in changed
                    or membership.room not in facts
                    or not self._is_new(membership)
                ):
                    continue
                if facts[membership.room].kind is RoomKind.DIRECT:
                    self._hub.subscribe(membership.user_id, membership.room, membership.seq)
                else:
                    announced.setdefault((membership.room, membership.seq), []).append(
                        membership.user_id
                    )
        for (room, seq), new in announced.items():
            await self._announce(facts[room], seq, new)

    def _is_new(self, membership: NewMembership) -> bool:
        connections = self._hub.connections_of(membership.user_id)
        return any(membership.room not in connection.rooms for connection in connections)

    async def _announce(self, facts: RoomFacts, seq: int, users: list[int]) -> None:
        """Announce a room with the event that made these users members.

        Without such an event, as in the lobby, only subscribe them to later events.
        """
        events = await self._log.after(facts, max(seq, 1) - 1, max(seq, 1), 1)
        if events and events[0].kind is EventKind.ROOM:
            event = encode_events.payload(events[0])
            await self._hub.announcements.announce_room(users, facts.room, event)
            return
        for user_id in users:
            self._hub.subscribe(user_id, facts.room, seq)

    async def _end_sessions(self) -> None:
        if not self._unchecked_sessions:
            self._unchecked_sessions = list({c.session_id for c in self._hub.connections})
        batch, self._unchecked_sessions = (
            self._unchecked_sessions[:SESSION_BATCH],
            self._unchecked_sessions[SESSION_BATCH:],
        )
        if ended := set(batch) - (await self._sessions.not_revoked(batch) if batch else set()):
            affected = {c.user.id for c in self._hub.connections if c.session_id in ended}
            for user_id in await self._users.disabled(affected):
                self._hub.session_ends.close_user_connections(user_id, CloseCode.ACCOUNT_CLOSED)
        for session_id in ended:
            self._hub.session_ends.close_session_connections(session_id)

"""Where several nodes serve one chat: looks into the database for what the bus may have lost.

With Redis away this is how messages, sign-outs and new conversations of other nodes arrive: seconds
late, and whole.
"""

import asyncio
import logging
from collections.abc import Callable

from chatserver.errors import ChatServerError
from chatserver.models import Kind, RoomFacts, RoomKind
from chatserver.protocol import encode_events
from chatserver.realtime.hub import Hub
from chatserver.storage.log import Log
from chatserver.storage.rooms import Joined, Rooms
from chatserver.storage.users import People

EVERY = 2.0  # seconds between two looks
ROOMS = 500  # that one query asks about
SESSIONS = 500  # open sessions that one look asks about
USERS = 20  # whose memberships one look compares
MEMBERSHIPS = 60_000  # milliseconds to look back for new ones: nodes' clocks differ a little

logger = logging.getLogger(__name__)


class NodeSync:
    """Compares what this node has with what the database has."""

    def __init__(
        self, hub: Hub, log: Log, rooms: Rooms, people: People, *, now: Callable[[], int]
    ) -> None:
        """`now` gives milliseconds UTC."""
        self._hub = hub
        self._log = log
        self._rooms = rooms
        self._people = people
        self._now = now
        self._unchecked: list[str] = []  # open sessions, until all have been asked about
        self._uncompared: list[int] = []  # users here, until their memberships have been compared

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except ChatServerError as error:
                logger.warning("the other nodes cannot be seen: %s", error)
            except Exception:
                logger.exception("looking for the other nodes failed")

    async def look(self) -> None:
        """Ask for what is missing; hang up sockets whose session ended elsewhere."""
        self._hub.check_nodes()
        await self._hear_new_rooms(self._hub.users(), self._now() - MEMBERSHIPS)
        await self._compare_memberships()
        rooms = list(self._hub.heads())
        for start in range(0, len(rooms), ROOMS):
            heads = await self._log.heads(rooms[start : start + ROOMS])
            for room, head in heads.items():
                self._hub.notify_gap(room, head)
        await self._end_sessions()

    async def _compare_memberships(self) -> None:
        """Find, for some users, the rooms that no look back in time finds: clocks may be wrong."""
        if not self._uncompared:
            self._uncompared = self._hub.users()
        some, self._uncompared = self._uncompared[:USERS], self._uncompared[USERS:]
        lacking = [user_id for user_id in some if await self._lacks_rooms(user_id)]
        if lacking:
            await self._hear_new_rooms(lacking, 0)

    async def _lacks_rooms(self, user_id: int) -> bool:
        rooms = (await self._rooms.heads(user_id)).keys()
        return any(rooms - device.rooms for device in self._hub.devices(user_id))

    async def _hear_new_rooms(self, users: list[int], since: int) -> None:
        """Show users the rooms that they joined since then (ms): the bus may have lost the event.

        A direct room appears with its first message. Who moves meanwhile is for the next look.
        """
        introduced: dict[tuple[int, int], list[int]] = {}
        with self._hub.arriving() as arrival:
            found = await self._rooms.joined_since(users, since)
            facts = await self._rooms.facts({joined.room for joined in found})
            moved = {user_id for user_id in users if arrival.has_moved(user_id)}
            for joined in found:
                if joined.user_id in moved or joined.room not in facts or not self._is_new(joined):
                    continue
                if facts[joined.room].kind is RoomKind.DIRECT:
                    self._hub.listen(joined.user_id, joined.room, joined.seq)
                else:
                    introduced.setdefault((joined.room, joined.seq), []).append(joined.user_id)
        for (room, seq), new in introduced.items():
            await self._introduce(facts[room], seq, new)

    def _is_new(self, joined: Joined) -> bool:
        devices = self._hub.devices(joined.user_id)
        return any(joined.room not in device.rooms for device in devices)

    async def _introduce(self, facts: RoomFacts, seq: int, users: list[int]) -> None:
        """Show these users the room with the event that made them members: a creation is the first.

        Without such an event, as in the lobby, they hear what follows.
        """
        events = await self._log.after(facts, max(seq, 1) - 1, max(seq, 1), 1)
        if events and events[0].kind is Kind.ROOM:
            await self._hub.announce_room(users, facts.room, encode_events.payload(events[0]))
            return
        for user_id in users:
            self._hub.listen(user_id, facts.room, seq)

    async def _end_sessions(self) -> None:
        if not self._unchecked:
            self._unchecked = list({one.session_id for one in self._hub.connections})
        asked, self._unchecked = self._unchecked[:SESSIONS], self._unchecked[SESSIONS:]
        alive = await self._people.alive(asked) if asked else set()
        for ended in set(asked) - alive:
            self._hub.end_session(ended)

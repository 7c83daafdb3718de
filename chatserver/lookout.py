"""Where several nodes serve one chat: looks into the database for what the bus may have lost.

With Redis away this is how messages, sign-outs and new conversations of other nodes arrive: seconds
late, and whole.
"""

import asyncio
import logging
from collections.abc import Callable

from chatserver.errors import ChatServerError
from chatserver.hub import Hub
from chatserver.storage.log import Log
from chatserver.storage.people import People
from chatserver.storage.rooms import Rooms

EVERY = 2.0  # seconds between two looks
ROOMS = 500  # that one query asks about
SESSIONS = 500  # open sessions that one look asks about
MEMBERSHIPS = 60_000  # milliseconds to look back for new ones: nodes' clocks differ a little

logger = logging.getLogger(__name__)


class Lookout:
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
        await self._hear_new_rooms()
        rooms = list(self._hub.heads())
        for start in range(0, len(rooms), ROOMS):
            heads = await self._log.heads(rooms[start : start + ROOMS])
            for room, head in heads.items():
                self._hub.remind(room, head)
        await self._end_sessions()

    async def _hear_new_rooms(self) -> None:
        """Subscribe users to rooms that they joined; who moves meanwhile is for the next look."""
        since = self._now() - MEMBERSHIPS
        with self._hub.arriving() as arrival:
            found = await self._rooms.joined_since(self._hub.users(), since)
            moved = {user_id for user_id in self._hub.users() if arrival.has_moved(user_id)}
            for joined in found:
                if joined.user_id not in moved:
                    self._hub.listen(joined.user_id, joined.room, joined.seq)

    async def _end_sessions(self) -> None:
        if not self._unchecked:
            self._unchecked = list({one.session_id for one in self._hub.connections})
        asked, self._unchecked = self._unchecked[:SESSIONS], self._unchecked[SESSIONS:]
        alive = await self._people.alive(asked) if asked else set()
        for ended in set(asked) - alive:
            self._hub.end_session(ended)

"""Where several nodes serve one chat: looks into the database for what the bus may have lost.

With Redis away this is how messages, sign-outs and new conversations of other nodes arrive: seconds
late, and whole.
"""

import asyncio
import logging

from chatserver.errors import ChatServerError
from chatserver.hub import Hub
from chatserver.storage.log import Log
from chatserver.storage.people import People

EVERY = 2.0  # seconds between two looks
SESSIONS_EVERY = 10  # looks between two checks of all open sessions

logger = logging.getLogger(__name__)


class Lookout:
    """Compares what this node has with what the database has."""

    def __init__(self, hub: Hub, log: Log, people: People) -> None:
        self._hub = hub
        self._log = log
        self._people = people

    async def run(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look(sessions=looks % SESSIONS_EVERY == 0)
            except ChatServerError as error:
                logger.warning("the other nodes cannot be seen: %s", error)
            looks += 1

    async def look(self, *, sessions: bool) -> None:
        """Ask for what is missing; hang up sockets whose session ended elsewhere."""
        self._hub.check_nodes()
        for room, head in (await self._log.heads(self._hub.heads())).items():
            self._hub.remind(room, head)
        if sessions:
            open_sessions = {connection.session_id for connection in self._hub.connections}
            for ended in open_sessions - await self._people.alive(open_sessions):
                self._hub.end_session(ended)

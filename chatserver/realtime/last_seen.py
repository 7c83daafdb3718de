"""When people were here last: told when a socket opens or closes, and now and then in between.

Stored some seconds later, in one transaction for many, so that a crowd that comes is no crowd for
the database. Owns the times that are not stored yet; losing them costs a date on a page.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice

from chatserver.errors import ChatServerError
from chatserver.models import Role
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.storage.users import People

EVERY = 5.0  # seconds between two looks at what is to be stored
ROUND = 600_000  # ms after which those who stay are noted again: a node may end without a word
AT_ONCE = 500  # sessions in one transaction

logger = logging.getLogger(__name__)


class LastSeen:
    """Remembers when the session of a socket was in use last."""

    def __init__(self, hub: Hub, people: People, *, now: Callable[[], int]) -> None:
        """`now` gives milliseconds UTC."""
        self._hub = hub
        self._people = people
        self._now = now
        self._waiting: dict[str, int] = {}  # session → ms
        self._round_at = now() + ROUND

    def note(self, connection: Connection) -> None:
        """It has opened, or closed. Bots have a token and no session."""
        if connection.user.role is not Role.BOT:
            self._waiting[connection.session_id] = self._now()

    async def run(self) -> None:
        """Store for ever."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                self._note_all()
                await self.flush()
            except ChatServerError as error:
                logger.warning("the times of sessions wait: %s", error)
            except Exception:
                logger.exception("the times of sessions could not be stored")

    def _note_all(self) -> None:
        now = self._now()
        if not now < self._round_at <= now + ROUND:  # also when the clock was set back
            self._round_at = now + ROUND
            for connection in self._hub.connections:
                self.note(connection)

    async def flush(self) -> None:
        """Store all that waits. Raises ChatServerError when it cannot; then it waits on."""
        while some := dict(islice(self._waiting.items(), AT_ONCE)):
            await self._people.saw(some)
            for session, at in some.items():
                if self._waiting[session] == at:
                    del self._waiting[session]

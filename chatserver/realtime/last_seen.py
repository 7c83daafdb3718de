"""Batched writes of last-seen times.

A time is noted when a connection opens or closes, and every REFRESH_INTERVAL in between. It is
stored seconds later, many in one transaction, so that a crowd of reconnecting clients is no load
for the database. Owns the times that are not stored yet; losing them only makes a displayed date
older.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice

from chatserver.errors import ChatServerError
from chatserver.models import Role
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.storage.sessions import StoredSessions

FLUSH_INTERVAL = 5.0  # seconds
REFRESH_INTERVAL = 600_000  # ms; open connections are noted again, because a node may crash
BATCH_SIZE = 500  # sessions in one transaction

logger = logging.getLogger(__name__)


class LastSeen:
    """Collects and stores the times when sessions were last in use."""

    def __init__(self, hub: Hub, sessions: StoredSessions, *, now: Callable[[], int]) -> None:
        """`now` returns milliseconds UTC."""
        self._hub = hub
        self._sessions = sessions
        self._now = now
        self._pending: dict[str, int] = {}  # session → ms
        self._refresh_at = now() + REFRESH_INTERVAL

    def note(self, connection: Connection) -> None:
        """Note that a connection opened or closed. Bots have a token and no session."""
        if connection.user.role is not Role.BOT:
            self._pending[connection.session_id] = self._now()

    async def run(self) -> None:
        """Store the collected times every FLUSH_INTERVAL, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_INTERVAL)
            try:
                self._note_all()
                await self.flush()
            except ChatServerError as error:
                logger.warning("cannot store last-seen times, will retry: %s", error)
            except Exception:
                logger.exception("storing last-seen times failed")

    def _note_all(self) -> None:
        now = self._now()
        if not now < self._refresh_at <= now + REFRESH_INTERVAL:  # also when the clock was set back
            self._refresh_at = now + REFRESH_INTERVAL
            for connection in self._hub.connections:
                self.note(connection)

    async def flush(self) -> None:
        """Store all pending times. Raises ChatServerError; then they stay pending."""
        while batch := dict(islice(self._pending.items(), BATCH_SIZE)):
            await self._sessions.record_last_seen(batch)
            for session, at in batch.items():
                if self._pending[session] == at:
                    del self._pending[session]

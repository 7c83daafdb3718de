"""Sessions that have ended although the database could not store it yet.

Owns their ids until they are stored; this node accepts none of them. A restart forgets them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chatserver.errors import ChatServerError, Unavailable

RETRY_DELAY = 1.0  # seconds
LARGEST = 10_000  # sessions that may wait; one more is refused with `unavailable`

logger = logging.getLogger(__name__)


class Revocations:
    """Ends sessions for certain on this node at once, in the database when it can store."""

    def __init__(self, store: Callable[[str], Awaitable[None]]) -> None:
        """`store` writes the end of a session, or raises Unavailable."""
        self._store = store
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._waiting

    async def end(self, session_id: str) -> bool:
        """End a session; whether that is stored. Raises Unavailable when too many wait."""
        if len(self._waiting) >= LARGEST:
            raise Unavailable
        self._waiting[session_id] = None
        try:
            await self._stored(session_id)
        except Unavailable as error:
            logger.warning("the end of a session waits: %s", error)
            self._wake.set()
            return False
        return True

    async def run(self) -> None:
        """Store what waits, for ever."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(RETRY_DELAY)
            try:
                await self.flush()
            except ChatServerError as error:
                logger.debug("ends of sessions still wait: %s", error)

    async def flush(self) -> None:
        """Store all that waits. Raises ChatServerError when it cannot; then it waits on."""
        for session_id in list(self._waiting):
            await self._stored(session_id)
        self._wake.clear()

    async def _stored(self, session_id: str) -> None:
        await self._store(session_id)
        self._waiting.pop(session_id, None)

"""Keeps lines alive, finds dead ones, and ends sessions that run out while a socket is open."""

import asyncio
import logging
from collections.abc import Callable

from chatserver import protocol
from chatserver.connection import Connection
from chatserver.errors import CloseCode
from chatserver.hub import Hub

HEARTBEAT = 25.0  # seconds between two pings of one socket
SILENCE = 1.5 * HEARTBEAT  # seconds after which a socket that says nothing is closed

logger = logging.getLogger(__name__)

# A ping for the peer's library and a frame that its program sees: browsers hide pings.
BEAT = b"\x89\x00" + protocol.encode(protocol.Heartbeat())


class Pulse:
    """Looks at every connection once a second. Clocks: monotonic seconds, and milliseconds UTC."""

    def __init__(self, hub: Hub, *, clock: Callable[[], float], now: Callable[[], int]) -> None:
        self._hub = hub
        self._clock = clock
        self._now = now

    async def run(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                self.beat()
            except Exception:
                logger.exception("a heartbeat failed")

    def beat(self) -> None:
        """One look at everybody."""
        clock, now = self._clock(), self._now()
        for connection in self._hub.connections:
            self._look_at(connection, clock, now)

    def _look_at(self, connection: Connection, clock: float, now: int) -> None:
        if connection.expires_at <= now:
            self._hub.expire(connection)
        elif clock - connection.seen > SILENCE:
            self._hub.hang_up(connection, CloseCode.SILENT, "silent")
        elif clock >= connection.beat_at:
            connection.beat_at = clock + HEARTBEAT
            self._hub.broadcast(BEAT, [connection])

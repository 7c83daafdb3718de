"""Keeps lines alive, finds dead ones, and ends sessions that run out while a socket is open."""

import asyncio
import logging
from collections.abc import Callable

from chatserver import protocol
from chatserver.errors import CloseCode
from chatserver.histogram import SECONDS, Histogram
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub

EVERY = 1.0  # seconds between two looks
HEARTBEAT = 25.0  # seconds between two pings of one socket
JUMP = 10_000  # ms by which the wall clock moves between two looks when it was set
SILENCE = 1.5 * HEARTBEAT  # seconds after which a socket that says nothing is closed

logger = logging.getLogger(__name__)

# A ping for the peer's library and a frame that its program sees: browsers hide pings.
BEAT = b"\x89\x00" + protocol.encode(protocol.Heartbeat())


class Keepalive:
    """Looks at every connection once a second. Clocks: monotonic seconds, and milliseconds UTC."""

    def __init__(self, hub: Hub, *, clock: Callable[[], float], now: Callable[[], int]) -> None:
        self._hub = hub
        self._clock = clock
        self._now = now
        self._offset: float | None = None  # ms between both, at the last look
        self.lag = Histogram(SECONDS)  # how late the event loop was with each look

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + EVERY
            await asyncio.sleep(EVERY)
            self.lag.add(max(0.0, clock() - due))
            try:
                self.beat()
            except Exception:
                logger.exception("a heartbeat failed")

    def beat(self) -> None:
        """One look at everybody."""
        clock, now = self._clock(), self._now()
        self._follow_clock(now - clock * 1000)
        for connection in self._hub.connections:
            self._look_at(connection, clock, now)

    def _follow_clock(self, offset: float) -> None:
        """When the wall clock is set, sessions of open sockets last as long as before."""
        before, self._offset = self._offset, offset
        if before is not None and abs(offset - before) > JUMP:
            for connection in self._hub.connections:
                connection.expires_at += round(offset - before)

    def _look_at(self, connection: Connection, clock: float, now: int) -> None:
        if connection.expires_at <= now:
            self._hub.expire(connection)
        elif clock - connection.seen > SILENCE and not connection.is_unheard:
            self._hub.hang_up(connection, CloseCode.SILENT, "silent")
        elif clock >= connection.beat_at:
            connection.beat_at = clock + HEARTBEAT
            self._hub.broadcast(BEAT, [connection])

"""Keepalive: pings, and the end of silent connections and of expired sessions."""

import asyncio
import logging
from collections.abc import Callable

from chatserver import protocol
from chatserver.clocks import KEEPALIVE_CLOCK_JUMP
from chatserver.errors import CloseCode
from chatserver.histogram import SECONDS, Histogram
from chatserver.protocol import framing
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub

POLL_INTERVAL = 1.0  # seconds
PING_INTERVAL = 25.0  # seconds between two pings of a connection
SILENCE_TIMEOUT = 1.5 * PING_INTERVAL  # seconds without a frame until the connection is closed

logger = logging.getLogger(__name__)

# A ping for the peer's library, and a message for its program, because browsers hide pings.
HEARTBEAT_FRAMES = framing.PING + protocol.encode(protocol.Heartbeat())


class Keepalive:
    """Checks all connections once a second."""

    def __init__(self, hub: Hub, *, clock: Callable[[], float], now: Callable[[], int]) -> None:
        """`clock` returns monotonic seconds, `now` milliseconds UTC."""
        self._hub = hub
        self._clock = clock
        self._now = now
        self._offset: float | None = None  # ms between both clocks at the last check
        self.lag = Histogram(SECONDS)  # delay of the event loop at each check

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + POLL_INTERVAL
            await asyncio.sleep(POLL_INTERVAL)
            self.lag.add(max(0.0, clock() - due))
            try:
                self.check_all()
            except Exception:
                logger.exception("checking the connections failed")

    def check_all(self) -> None:
        """Ping, expire or close each connection where due."""
        clock, now = self._clock(), self._now()
        self._follow_clock(now - clock * 1000)
        for connection in self._hub.connections:
            self._check(connection, clock, now)

    def _follow_clock(self, offset: float) -> None:
        """Keep the lifetime of open sessions when the wall clock is set."""
        before, self._offset = self._offset, offset
        if before is not None and abs(offset - before) > KEEPALIVE_CLOCK_JUMP:
            for connection in self._hub.connections:
                connection.expires_at += round(offset - before)

    def _check(self, connection: Connection, clock: float, now: int) -> None:
        if connection.expires_at <= now:
            self._hub.session_ends.close_connection(connection)
        elif clock - connection.last_received > SILENCE_TIMEOUT and not connection.is_read_paused:
            self._hub.hang_up(connection, CloseCode.SILENT, "silent")
        elif clock >= connection.next_ping_at:
            connection.next_ping_at = clock + PING_INTERVAL
            self._hub.broadcast(HEARTBEAT_FRAMES, [connection])

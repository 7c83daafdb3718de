"""Presence frames to all connections of this node, at most once a second.

Most connections get changes; those with `lists_presence` get the full list.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator

from chatserver import protocol
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.presence import PresenceState

INTERVAL = 1.0  # seconds from the end of one round to the start of the next
WRITES_PER_TURN = 50  # connections that are written to in one turn of the event loop

logger = logging.getLogger(__name__)

Broadcast = Callable[[bytes, Iterable[Connection]], None]


class PresenceFeed:
    """Owns the timer of the next round, or the round in progress."""

    def __init__(
        self,
        presence: PresenceState,
        connections: Callable[[], list[Connection]],
        broadcast: Broadcast,
        started: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`started` is called with each round, `clock` returns monotonic seconds."""
        self._presence = presence
        self._connections = connections
        self._broadcast = broadcast
        self._started = started
        self._clock = clock
        self._ended_at = float("-inf")
        self._next: asyncio.Handle | None = None

    def changed(self) -> None:
        """Send changes INTERVAL after the last round, or at once if that is over.

        A round never starts while another is in progress: it could overtake it.
        """
        if self._next is None:
            wait = max(0.0, self._ended_at + INTERVAL - self._clock())
            self._next = asyncio.get_running_loop().call_later(wait, self._start)

    def close(self) -> None:
        """Cancel the timer."""
        if self._next is not None:
            self._next.cancel()

    def _start(self) -> None:
        self._next = None
        changes = self._presence.changes()
        if changes is not None:
            self._continue(protocol.encode(changes), iter(self._connections()))
            self._started()

    def _continue(self, frames: bytes, to: Iterator[Connection]) -> None:
        """Write to some connections in each turn, so that messages need not wait for all."""
        batch = list(itertools.islice(to, WRITES_PER_TURN))
        if batch:
            self._next = asyncio.get_running_loop().call_soon(self._continue, frames, to)
            self._broadcast(frames, [c for c in batch if not c.lists_presence])
            if listing := [c for c in batch if c.lists_presence]:
                self._broadcast(encode_events.group_list(self._presence.online_json()), listing)
        else:
            self._next, self._ended_at = None, self._clock()
            self.changed()  # there may have been changes during the round

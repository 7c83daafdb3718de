"""Presence as frames to every connection of this node, at most once a second.

Most connections get what has changed; those with `lists_presence` get the whole list.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator

from chatserver import protocol
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.presence import PresenceState

INTERVAL = 1.0  # seconds from the end of one round of frames to the next
SLICE = 50  # connections that are written to in one turn of the loop

logger = logging.getLogger(__name__)

Broadcast = Callable[[bytes, Iterable[Connection]], None]


class PresenceFeed:
    """Owns the timer of the next round, or the round that is under way."""

    def __init__(
        self,
        who: PresenceState,
        connections: Callable[[], list[Connection]],
        broadcast: Broadcast,
        started: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`started` is called with each round; `clock` gives monotonic seconds."""
        self._who = who
        self._connections = connections
        self._broadcast = broadcast
        self._started = started
        self._clock = clock
        self._ended_at = float("-inf")
        self._next: asyncio.Handle | None = None

    def changed(self) -> None:
        """Send changes at once when it has been quiet, else a second after the last round.

        While one is under way none begins: it would overtake the other where many have left.
        """
        if self._next is None:
            wait = max(0.0, self._ended_at + INTERVAL - self._clock())
            self._next = asyncio.get_running_loop().call_later(wait, self._start)

    def close(self) -> None:
        """Stop the timer."""
        if self._next is not None:
            self._next.cancel()

    def _start(self) -> None:
        self._next = None
        changes = self._who.changes()
        if changes is not None:
            self._continue(protocol.encode(changes), iter(self._connections()))
            self._started()

    def _continue(self, frames: bytes, to: Iterator[Connection]) -> None:
        """Some at a time, so that no message waits for a thousand writes of what is less urgent."""
        some = list(itertools.islice(to, SLICE))
        if some:
            self._next = asyncio.get_running_loop().call_soon(self._continue, frames, to)
            self._broadcast(frames, [one for one in some if not one.lists_presence])
            if whole := [one for one in some if one.lists_presence]:
                self._broadcast(encode_events.group_list(self._who.listed()), whole)
        else:
            self._next, self._ended_at = None, self._clock()
            self.changed()  # if there was another change during the round

"""Presence frames to all connections of this node, at most once a second.

Most connections get changes; those with `lists_presence` get the full list, less often if it is
large.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator

from chatserver import protocol
from chatserver.protocol import encode_events
from chatserver.realtime.connection import WRITES_PER_TURN, Connection
from chatserver.realtime.presence import PresenceState

INTERVAL = 1.0  # seconds from the end of one round to the start of the next
BYTES_PER_TURN = 256 * 1024  # written in one turn, if that is more than one frame
LIST_BYTES_PER_SECOND = 10_000_000  # of full lists, as a mean
MAX_LIST_INTERVAL = 30.0  # seconds between two full lists, however large

Broadcast = Callable[[bytes, Iterable[Connection]], None]
Round = tuple[bytes, list[Connection]]


class PresenceBroadcaster:
    """Sends changes and full lists, in rounds of their own."""

    def __init__(
        self,
        presence: PresenceState,
        connections: Callable[[], list[Connection]],
        broadcast: Broadcast,
        started: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """`started` is called with each round of changes, `clock` returns monotonic seconds."""
        self._presence = presence
        self._connections = connections
        self._started = started
        self._list_outdated = False
        self._changes = _Rounds(self._next_changes, broadcast, clock, _change_interval)
        self._lists = _Rounds(self._next_list, broadcast, clock, _list_interval)

    def changed(self) -> None:
        """Send changes INTERVAL after the last round, or at once if that is over."""
        self._changes.request()

    def close(self) -> None:
        """Cancel the timers."""
        self._changes.close()
        self._lists.close()

    def _next_changes(self) -> Round | None:
        changes = self._presence.changes()
        if changes is None:
            return None
        self._started()
        self._list_outdated = True
        self._lists.request()
        return protocol.encode(changes), [c for c in self._connections() if not c.lists_presence]

    def _next_list(self) -> Round | None:
        """Return the full list, encoded once for all connections that get it."""
        connections = [c for c in self._connections() if c.lists_presence]
        if not self._list_outdated or not connections:
            return None
        self._list_outdated = False
        return encode_events.group_list(self._presence.online_json()), connections


class _Rounds:
    """Writes one frame after the other to many connections, in slices of a turn.

    Owns the timer of the next round, or the round in progress. A round never starts while another
    is in progress: it could overtake it.
    """

    def __init__(
        self,
        prepare: Callable[[], Round | None],
        broadcast: Broadcast,
        clock: Callable[[], float],
        interval: Callable[[int], float],
    ) -> None:
        """`prepare` returns the frame of a round and its connections, or None if there is none.

        `interval` returns the seconds to the next round, from the bytes of the last one.
        """
        self._prepare = prepare
        self._broadcast = broadcast
        self._clock = clock
        self._interval = interval
        self._not_before = float("-inf")
        self._next: asyncio.Handle | None = None

    def request(self) -> None:
        """Start a round as soon as the interval after the last one is over."""
        if self._next is None:
            wait = max(0.0, self._not_before - self._clock())
            self._next = asyncio.get_running_loop().call_later(wait, self._start)

    def close(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _start(self) -> None:
        self._next = None
        if (prepared := self._prepare()) is not None:
            frame, connections = prepared
            pause = self._interval(len(frame) * len(connections))
            self._continue(frame, iter(connections), pause)

    def _continue(self, frame: bytes, to: Iterator[Connection], pause: float) -> None:
        """Write to some connections in each turn, so that messages need not wait for all."""
        count = max(1, min(WRITES_PER_TURN, BYTES_PER_TURN // len(frame)))
        batch = list(itertools.islice(to, count))
        if batch:
            self._next = asyncio.get_running_loop().call_soon(self._continue, frame, to, pause)
            self._broadcast(frame, batch)
        else:
            self._next, self._not_before = None, self._clock() + pause
            self.request()  # there may have been changes during the round


def _change_interval(_size: int) -> float:
    return INTERVAL


def _list_interval(size: int) -> float:
    return min(MAX_LIST_INTERVAL, max(INTERVAL, size / LIST_BYTES_PER_SECOND))

"""Writes of frames that are not events, such as typing, to all subscribers of a room.

One queue for all rooms, so that a burst in many rooms does not delay messages.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from chatserver.realtime.connection import WRITES_PER_TURN, Connection


class EphemeralWrites:
    """Writes to WRITES_PER_TURN connections in a turn of the event loop, in order."""

    def __init__(self, drop_slow: Callable[[Connection], None]) -> None:
        """`drop_slow` is called with each connection whose send queue is over its limit."""
        self._drop_slow = drop_slow
        self._queue: deque[tuple[int, bytes, Iterator[Connection]]] = deque()
        self._next: asyncio.Handle | None = None  # set if this turn has had its writes

    def add(self, room: int, frames: bytes, connections: Iterable[Connection]) -> None:
        """Queue writes to connections; those that have left the room by then are skipped."""
        self._queue.append((room, frames, iter(connections)))
        if self._next is None:
            self._write()

    def close(self) -> None:
        """Drop the queued writes."""
        self._queue.clear()
        if self._next is not None:
            self._next.cancel()

    def _write(self) -> None:
        remaining = WRITES_PER_TURN
        while self._queue and remaining:
            room, frames, connections = self._queue[0]
            batch = list(islice(connections, remaining))
            remaining -= len(batch)
            for connection in batch:
                if room in connection.rooms and not connection.write(frames):
                    self._drop_slow(connection)
            if remaining:
                self._queue.popleft()
        is_idle = remaining == WRITES_PER_TURN
        self._next = None if is_idle else asyncio.get_running_loop().call_soon(self._write)

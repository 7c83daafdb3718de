"""Read receipts for the members of rooms that show them, batched once a second.

When a message reaches hundreds of members, hundreds of positions move within seconds, and each is
for all members. Several positions of one user are coalesced into the newest. Owns the positions
that are not sent yet.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice

from chatserver import protocol

INTERVAL = 1.0  # seconds from the end of one round to the start of the next
BATCH_SIZE = 100  # positions of one room in a round; the rest waits for the next

Send = Callable[[bytes, int], None]


class ReadReceipts:
    """Sends positions by room, one room in each turn of the event loop."""

    def __init__(self, send: Send, clock: Callable[[], float]) -> None:
        """`send` is called with frames and a room, `clock` returns monotonic seconds."""
        self._send = send
        self._clock = clock
        self._pending: dict[int, dict[str, int]] = {}  # room → user name → seq
        self._round: deque[int] = deque()
        self._ended_at = float("-inf")
        self._next: asyncio.Handle | None = None

    def add(self, room: int, user: str, seq: int) -> None:
        """Send a position INTERVAL after the last round, or at once if that is over."""
        positions = self._pending.setdefault(room, {})
        positions[user] = max(seq, positions.get(user, 0))
        if self._next is None:
            wait = max(0.0, self._ended_at + INTERVAL - self._clock())
            self._next = asyncio.get_running_loop().call_later(wait, self._start)

    def close(self) -> None:
        """Cancel the timer."""
        if self._next is not None:
            self._next.cancel()

    def _start(self) -> None:
        self._round.extend(self._pending)
        self._continue()

    def _continue(self) -> None:
        loop = asyncio.get_running_loop()
        if self._round:
            self._next = loop.call_soon(self._continue)
            self._send_room(self._round.popleft())
            return
        self._ended_at = self._clock()
        self._next = loop.call_later(INTERVAL, self._start) if self._pending else None

    def _send_room(self, room: int) -> None:
        positions = self._pending[room]
        batch = list(islice(positions.items(), BATCH_SIZE))
        for user, _seq in batch:
            del positions[user]
        if not positions:
            del self._pending[room]
        frames = [protocol.encode(protocol.Read(room=room, user=u, seq=seq)) for u, seq in batch]
        self._send(b"".join(frames), room)

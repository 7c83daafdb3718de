"""Buffer of frames that are sent while a client connects, between its query and its subscription.

The query for a welcome sees the database at one moment, and the client is subscribed a moment
later. Frames sent in between are held here and follow the welcome. Owns those frames until the last
client that was connecting when they were sent is attached or gone.
"""

from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

CAPACITY = 16 * 2**20  # bytes; beyond that the oldest frames are dropped


class Held(NamedTuple):
    """Frames of the events `first` to `last`; both are 0 for frames that are not events."""

    frames: bytes
    first: int
    last: int


class HeldFrames:
    """Frames by room or by user, in the order in which they were sent."""

    def __init__(self) -> None:
        self._held: dict[Hashable, deque[Held]] = {}
        self._order: deque[Hashable] = deque()
        self._dropped = 0
        self._size = 0
        self._holds: list[int] = []  # position of the first frame of each, ascending

    @property
    def active(self) -> bool:
        """Whether a client is connecting."""
        return bool(self._holds)

    def hold(self) -> int:
        """Start to hold frames. Return a token for `release`."""
        self._holds.append(self._dropped + len(self._order))
        return self._holds[-1]

    def release(self, since: int) -> None:
        """Drop the frames that no other connecting client needs."""
        self._holds.remove(since)
        needed = self._holds[0] if self._holds else self._dropped + len(self._order)
        while self._dropped < needed:
            self._drop_oldest()

    def add(self, key: Hashable, frames: bytes, *, first: int = 0, last: int = 0) -> None:
        """Hold these frames if a client is connecting."""
        if not self._holds:
            return
        self._held.setdefault(key, deque()).append(Held(frames, first, last))
        self._order.append(key)
        self._size += len(frames)
        while self._size > CAPACITY:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        key = self._order.popleft()
        self._dropped += 1
        frames = self._held[key]
        self._size -= len(frames.popleft().frames)
        if not frames:
            del self._held[key]

    def frames_for(self, key: Hashable) -> list[bytes]:
        """Return all held frames of a room or user."""
        return [held.frames for held in self._held.get(key, ())]

    def after(self, key: Hashable, seq: int) -> list[bytes]:
        """Return the frames of all events after `seq`, or none if some were dropped."""
        events: deque[Held] = deque()
        for held in reversed(self._held.get(key, ())):
            if held.last <= seq:
                break
            events.appendleft(held)
        is_complete = events and events[0].first <= seq + 1
        return [held.frames for held in events] if is_complete else []

"""Delivery state of one room, and the events that a gap is filled with."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from chatserver.models import Event
from chatserver.realtime.connection import Connection


@dataclass(frozen=True, slots=True)
class Missed:
    """The next events of a gap, in order; there may be more.

    `changes` maps the ids of users who left or joined since to the seq of their last change. A
    connection that was subscribed before has missed a departure, also if the user has returned.
    """

    events: list[Event]
    changes: dict[int, int]


class Cursor(NamedTuple):
    """The last seq that was sent to a room's subscribers, and the version of its feed."""

    seq: int
    version: int


# Read the events of a room after a seq, and changes of its members after another one: see
# `history.gap_reader`.
ReadMissed = Callable[[int, int, int], Awaitable[Missed]]
new_version = itertools.count(1).__next__  # unique among all feeds


class RoomFeed:
    """Delivery state of one room.

    `known` is the highest seq that is known to exist; if it is greater than `last`, there is a gap.
    `version` changes whenever an event sent before may have changed, e.g. by an edit, and is unique
    among all feeds. `subscribers` maps connections to the seq up to which their membership is
    known: a departure at or before it is an earlier one. `ahead` maps connections to a seq that
    they have read from the database and that is greater than `last`.
    """

    __slots__ = ("ahead", "early", "known", "last", "repair", "subscribers", "version")

    def __init__(self, last: int) -> None:
        self.version = new_version()
        self.last = last
        self.known = last
        self.subscribers: dict[Connection, int] = {}
        self.ahead: dict[Connection, int] = {}
        self.early: dict[int, tuple[int, bytes]] = {}  # first → last, frames
        self.repair: asyncio.Task[None] | None = None

    def take_behind(self, last: int) -> list[Connection]:
        """Return the subscribers that have not seen the events up to `last`; update `ahead`."""
        ahead = self.ahead
        self.ahead = {connection: seq for connection, seq in ahead.items() if seq > last}
        return [connection for connection in self.subscribers if ahead.get(connection, 0) < last]


def split_at_departures(events: list[Event]) -> Iterator[list[Event]]:
    """Split events after each departure: the user who left must not get the next run."""
    start = 0
    for end, event in enumerate(events, 1):
        if event.left_ids or end == len(events):
            yield events[start:end]
            start = end

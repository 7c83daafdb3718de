"""One feed a room on this node: who listens, how far they are, and what came too early.

A feed holds the last seq that its listeners have been sent. What comes next goes out at once,
what comes too early waits a moment, and a hole is read from the database. Nothing waits for a
reader. Nobody is sent an event behind the one that ended their membership.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from chatserver.errors import ChatServerError
from chatserver.models import Event
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.held_frames import HeldFrames
from chatserver.realtime.presence_feed import SLICE

PATIENCE = 0.05  # seconds that an early event waits for the one before it
TOGETHER = 2_000  # rooms that a connection is prepared for, or leaves, in one turn of the loop


@dataclass(frozen=True, slots=True)
class Missed:
    """What a hole held: the next events, in order, some at a time.

    `left` are the members who left behind the hole's start and are not back: user id → seq.
    """

    events: list[Event]
    left: dict[int, int]


# For a room and a seq, what was missed behind it: see `history.hole_reader`.
ReadMissed = Callable[[int, int], Awaitable[Missed]]
Departed = Callable[[int, dict[int, int]], None]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Delivered:
    """What listeners have been sent since the start: events times listeners, and bytes."""

    events: int = 0
    bytes: int = 0


_versions = itertools.count(1)


class Feed:
    """`known` is the highest seq that is said to exist; `last` behind it means a hole.

    `version` is another one as soon as what was told before may have changed, as by an edit. No
    two feeds ever have the same. `listeners` are connections with the seq up to which their
    membership is known: a departure that is told later and is not behind it was an earlier one.
    `ahead` are those that the database has shown more than was sent: up to that seq.
    """

    __slots__ = ("ahead", "early", "known", "last", "listeners", "repair", "version")

    def __init__(self, last: int) -> None:
        self.version = next(_versions)
        self.last = last
        self.known = last
        self.listeners: dict[Connection, int] = {}
        self.ahead: dict[Connection, int] = {}
        self.early: dict[int, tuple[int, bytes]] = {}  # first → last, frames
        self.repair: asyncio.Task[None] | None = None


class Subscriptions:
    """Sends each room's events to its listeners: in order, each once, without holes."""

    def __init__(
        self,
        read_missed: ReadMissed,
        fell_behind: Callable[[Connection], None],
        departed: Departed,
    ) -> None:
        """`fell_behind` is called with every reader that lets too much wait.

        `departed` is called with a room and who has left it, before what was missed is sent.
        """
        self._read_missed = read_missed
        self._fell_behind = fell_behind
        self._departed = departed
        self._feeds: dict[int, Feed] = {}
        self._unheard: set[int] = set()  # feeds that may have no listeners, while some are held
        self._held = HeldFrames()
        self.delivered = Delivered()

    # Listeners ------------------------------------------------------------------------------------

    def hold(self) -> int:
        """Until `release`, every room that news comes for has a feed: a client is connecting."""
        return self._held.hold()

    def release(self, since: int) -> None:
        self._held.release(since)
        if not self._held.active:
            unheard, self._unheard = self._unheard, set()
            for room in unheard:
                if not self._feeds[room].listeners:
                    del self._feeds[room]

    async def prepare(self, heads: Mapping[int, int]) -> None:
        """Make the feeds for `start_all` while they are held: some in each turn of the loop."""
        rooms = iter(heads.items() if len(heads) > TOGETHER else ())
        while some := list(itertools.islice(rooms, TOGETHER)):
            for room, head in some:
                if room not in self._feeds:
                    self._add_unheard(room, Feed(head))
            await asyncio.sleep(0)

    def _add_unheard(self, room: int, feed: Feed) -> Feed:
        self._feeds[room] = feed
        self._unheard.add(room)
        return feed

    def start_all(self, connection: Connection, heads: Mapping[int, int]) -> list[bytes]:
        """As `start` for each of these rooms, to which the connection does not listen yet."""
        missed: list[bytes] = []
        feeds = self._feeds
        for room, head in heads.items():
            feed = feeds.get(room)
            if feed is not None and feed.last == feed.known == head:
                feed.listeners[connection] = head
            else:
                missed += self.start(connection, room, head)
        connection.rooms.update(heads)
        return missed

    def start(self, connection: Connection, room: int, head: int) -> list[bytes]:
        """Let a connection listen to all behind `head`; the frames of it that were sent already.

        `head` is what the database named while the feeds were held.
        """
        feed = self._feeds.get(room)
        if feed is None:
            feed = self._feeds[room] = Feed(head)
        missed = self._held.behind(room, head) if feed.last > head else []
        if not feed.listeners and not missed and feed.last != head:
            feed.last, feed.version = head, next(_versions)
        self._add(connection, room, feed, since=head)
        if feed.last < head:
            feed.ahead[connection] = head
        self._expect(room, feed, head)
        return missed

    def join(self, connection: Connection, room: int, after: int) -> None:
        """Let a connection listen to a room that is new to it, from `after` on."""
        if room not in connection.rooms:
            self._add(connection, room, self._feeds.setdefault(room, Feed(after)), since=after)

    def _add(self, connection: Connection, room: int, feed: Feed, *, since: int) -> None:
        feed.listeners[connection] = max(since, feed.listeners.get(connection, 0))
        connection.rooms.add(room)

    def depart(self, connection: Connection, room: int, seq: int) -> bool:
        """The membership behind this connection ended with `seq`: no more events of the room.

        False when it did not listen, or by a membership that began later.
        """
        feed = self._feeds.get(room)
        if feed is None or feed.listeners.get(connection, seq) >= seq:
            return False
        self._leave(connection, room)
        return True

    def leave_all(self, connection: Connection) -> None:
        """The connection is closing. From very many rooms it is taken in several turns."""
        for room in list(itertools.islice(connection.rooms, TOGETHER)):
            self._leave(connection, room)
        if connection.rooms:
            asyncio.get_running_loop().call_soon(self.leave_all, connection)

    def _leave(self, connection: Connection, room: int) -> None:
        connection.rooms.discard(room)
        feed = self._feeds.get(room)
        if feed is not None:
            feed.listeners.pop(connection, None)
            feed.ahead.pop(connection, None)
            if not feed.listeners:
                self._drop(room)

    def _drop(self, room: int) -> None:
        if self._held.active:
            self._unheard.add(room)
        else:
            del self._feeds[room]

    def count_listeners(self, room: int) -> int:
        """The number of connections of this node that listen to the room."""
        feed = self._feeds.get(room)
        return len(feed.listeners) if feed else 0

    def send(self, room: int, frames: bytes, *, but: Connection | None = None) -> None:
        """Send frames that are no events to all who listen to the room, without one."""
        feed = self._feeds.get(room)
        if feed is not None:
            self._spread(room, frames, [one for one in feed.listeners if one is not but])

    def _spread(self, room: int, frames: bytes, to: list[Connection]) -> None:
        """Some in each turn of the loop: no message waits for a thousand writes of these."""
        some, rest = to[:SLICE], to[SLICE:]
        for connection in some:
            if room in connection.rooms and not connection.write(frames):
                self._fell_behind(connection)
        if rest:
            asyncio.get_running_loop().call_soon(self._spread, room, frames, rest)

    def heard(self, connection: Connection, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Those of these rooms that a connection listens to: how far each is, and its version.

        Without those that are known to have a hole.
        """
        feeds = {room: self._feeds[room] for room in numbers if room in connection.rooms}
        whole = {room: feed for room, feed in feeds.items() if feed.last == feed.known}
        return {room: (feed.last, feed.version) for room, feed in whole.items()}

    def heads(self) -> dict[int, int]:
        """How far each room is that somebody here listens to."""
        return {room: feed.last for room, feed in self._feeds.items()}

    # Events ---------------------------------------------------------------------------------------

    def advance(self, room: int, first: int, last: int, frames: bytes, *, changes: bool) -> bool:
        """The events `first` to `last` of a room, as frames, all of them on disk.

        `changes`: they are not all new messages. False when they wait for what is before them.
        """
        feed = self._feeds.get(room)
        if feed is None and self._held.active:
            feed = self._add_unheard(room, Feed(first - 1))
        if feed is None or last <= feed.last:
            return True
        if changes:
            feed.version = next(_versions)
        if first != feed.last + 1:
            feed.early[first] = (last, frames)
            self._expect(room, feed, last)
            return False
        self._deliver(room, feed, last, frames)
        return True

    def follow(self, room: int) -> None:
        """Send what waited for the events that were just sent."""
        feed = self._feeds.get(room)
        while feed is not None and (following := feed.early.pop(feed.last + 1, None)):
            self._deliver(room, feed, *following)

    def _deliver(self, room: int, feed: Feed, last: int, frames: bytes) -> None:
        listeners = _lacking(feed, last) if feed.ahead else feed.listeners
        self.delivered.events += (last - feed.last) * len(listeners)
        self.delivered.bytes += len(frames) * len(listeners)
        self._held.add(room, frames, first=feed.last + 1, last=last)
        feed.last = last
        feed.known = max(feed.known, last)
        behind = [connection for connection in listeners if not connection.write(frames)]
        for connection in behind:
            self._fell_behind(connection)

    def notify_gap(self, room: int, seq: int) -> None:
        """That event exists. Whoever has not been sent it will be."""
        feed = self._feeds.get(room)
        if feed is not None:
            self._expect(room, feed, seq)

    def _expect(self, room: int, feed: Feed, seq: int) -> None:
        feed.known = max(feed.known, seq)
        if feed.last < feed.known and feed.repair is None and feed.listeners:
            feed.repair = asyncio.create_task(self._repair(room, feed))

    async def _repair(self, room: int, feed: Feed) -> None:
        """Wait a moment for what is on its way, then read the hole from the database."""
        try:
            await asyncio.sleep(PATIENCE)
            while feed.last < feed.known and feed.listeners:
                missed = await self._read_missed(room, feed.last)
                if not self._deliver_missed(room, feed, missed):
                    break
        except ChatServerError as error:
            logger.warning("a hole in room %d stays for now: %s", room, error)
        except Exception:
            logger.exception("a hole in room %d stays for now", room)
        finally:
            feed.early = {first: e for first, e in feed.early.items() if e[0] > feed.last}
            feed.repair = None

    def _deliver_missed(self, room: int, feed: Feed, missed: Missed) -> bool:
        """Whether there was anything to send.

        Messages are read in their newest state, so who has left since gets none of them.
        """
        self._departed(room, missed.left)
        events = [event for event in missed.events if event.seq > feed.last]
        if events:
            feed.version = next(_versions)
            self._deliver(room, feed, events[-1].seq, encode_events.frames(events))
        return bool(events)

    def close(self) -> None:
        """Let go of the tasks."""
        for feed in self._feeds.values():
            if feed.repair is not None:
                feed.repair.cancel()


def until_departures(events: list[Event]) -> Iterator[list[Event]]:
    """Runs of events that each end where somebody leaves: the next run is not for them."""
    start = 0
    for end, event in enumerate(events, 1):
        if event.left or end == len(events):
            yield events[start:end]
            start = end


def _lacking(feed: Feed, last: int) -> list[Connection]:
    """Those that the events up to `last` are new to."""
    ahead = feed.ahead
    feed.ahead = {connection: seq for connection, seq in ahead.items() if seq > last}
    return [connection for connection in feed.listeners if ahead.get(connection, 0) < last]

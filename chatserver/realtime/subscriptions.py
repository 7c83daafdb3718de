"""Subscriptions of connections to rooms, and in-order delivery of each room's events.

A room's feed holds the last seq that its subscribers were sent. The next event is sent at once; an
event that arrives early waits REPAIR_DELAY, and a gap is read from the database. Nothing waits for
a slow reader. A user is never sent an event after the one that ended the membership.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from chatserver.errors import ChatServerError
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.ephemeral_writes import EphemeralWrites
from chatserver.realtime.held_frames import HeldFrames
from chatserver.realtime.room_feed import Cursor, Missed, ReadMissed, RoomFeed, new_version

REPAIR_DELAY = 0.05  # seconds that an early event waits for the ones before it
ROOMS_PER_TURN = 2_000  # rooms prepared or unsubscribed in one turn of the event loop

OnChanges = Callable[[int, dict[int, int]], None]

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Delivered:
    """Counters of deliveries (events times subscribers) and of bytes since the start."""

    events: int = 0
    bytes: int = 0


class Subscriptions:
    """Sends each room's events to its subscribers: in order, each once, without gaps."""

    def __init__(
        self,
        read_missed: ReadMissed,
        drop_slow: Callable[[Connection], None],
        on_changes: OnChanges,
    ) -> None:
        """Set the callbacks.

        `drop_slow` is called with each connection whose send queue is over its limit.
        `on_changes` is called with a room and the changes of its members (see `Missed`), before a
        gap is delivered.
        """
        self._read_missed = read_missed
        self._drop_slow = drop_slow
        self._on_changes = on_changes
        self._feeds: dict[int, RoomFeed] = {}
        self._idle: set[int] = set()  # feeds that are kept only because a client is connecting
        self._held_frames = HeldFrames()
        self._ephemeral = EphemeralWrites(drop_slow)
        self.delivered = Delivered()

    # Subscribers ----------------------------------------------------------------------------------

    def hold(self) -> int:
        """Keep a feed for every room with new events until `release`: a client is connecting."""
        return self._held_frames.hold()

    def release(self, since: int) -> None:
        self._held_frames.release(since)
        if not self._held_frames.active:
            idle, self._idle = self._idle, set()
            for room in idle:
                if not self._feeds[room].subscribers:
                    del self._feeds[room]

    async def prepare(self, heads: Mapping[int, int]) -> None:
        """Create feeds for `Hub.attach` in several turns of the loop, while frames are held."""
        rooms = iter(heads.items() if len(heads) > ROOMS_PER_TURN else ())
        while batch := list(itertools.islice(rooms, ROOMS_PER_TURN)):
            for room, head in batch:
                if room not in self._feeds:
                    self._add_idle(room, RoomFeed(head))
            await asyncio.sleep(0)

    def _add_idle(self, room: int, feed: RoomFeed) -> RoomFeed:
        self._feeds[room] = feed
        self._idle.add(room)
        return feed

    def subscribe_all(self, connection: Connection, heads: Mapping[int, int]) -> list[bytes]:
        """Subscribe to each of these rooms, none of which is subscribed yet: see `subscribe`."""
        missed: list[bytes] = []
        feeds = self._feeds
        for room, head in heads.items():
            feed = feeds.get(room)
            if feed is not None and feed.last == feed.known == head:
                feed.subscribers[connection] = head
            else:
                missed += self.subscribe(connection, room, head)
        connection.rooms.update(heads)
        return missed

    def subscribe(self, connection: Connection, room: int, head: int) -> list[bytes]:
        """Subscribe to all events after `head`; return the frames of those that were sent already.

        `head` was read from the database while frames were held.
        """
        feed = self._feeds.get(room)
        if feed is None:
            feed = self._feeds[room] = RoomFeed(head)
        missed = self._held_frames.after(room, head) if feed.last > head else []
        if not feed.subscribers and not missed and feed.last != head:
            feed.last, feed.version = head, new_version()
        self._add(connection, room, feed, since=head)
        if feed.last < head:
            feed.ahead[connection] = head
        self._note_head(room, feed, head)
        return missed

    def subscribe_if_new(self, connection: Connection, room: int, after: int) -> bool:
        """Subscribe to the events after `after`, unless the connection is subscribed already.

        Return False if some of them were sent to others: then the connection must reconnect.
        """
        if room in connection.rooms:
            return True
        feed = self._feeds.setdefault(room, RoomFeed(after))
        if feed.last > after:
            return False
        self._add(connection, room, feed, since=after)
        return True

    def _add(self, connection: Connection, room: int, feed: RoomFeed, *, since: int) -> None:
        feed.subscribers[connection] = max(since, feed.subscribers.get(connection, 0))
        connection.rooms.add(room)

    def end_membership(self, connection: Connection, room: int, seq: int) -> bool:
        """Unsubscribe a connection whose user left the room with event `seq`.

        Return False if it was not subscribed, or belongs to a membership that began later.
        """
        feed = self._feeds.get(room)
        if feed is None or feed.subscribers.get(connection, seq) >= seq:
            return False
        self._unsubscribe(connection, room)
        return True

    def unsubscribe_all(self, connection: Connection) -> None:
        """Unsubscribe a closing connection; from very many rooms in several turns of the loop."""
        for room in list(itertools.islice(connection.rooms, ROOMS_PER_TURN)):
            self._unsubscribe(connection, room)
        if connection.rooms:
            asyncio.get_running_loop().call_soon(self.unsubscribe_all, connection)

    def _unsubscribe(self, connection: Connection, room: int) -> None:
        connection.rooms.discard(room)
        feed = self._feeds.get(room)
        if feed is not None:
            feed.subscribers.pop(connection, None)
            feed.ahead.pop(connection, None)
            if not feed.subscribers:
                self._remove_unused(room)

    def _remove_unused(self, room: int) -> None:
        if self._held_frames.active:
            self._idle.add(room)
        else:
            del self._feeds[room]

    def count_subscribers(self, room: int) -> int:
        """Return the number of subscribed connections on this node."""
        feed = self._feeds.get(room)
        return len(feed.subscribers) if feed else 0

    def send(self, room: int, frames: bytes, *, exclude: Connection | None = None) -> None:
        """Send frames that are not events to all subscribers of a room but one."""
        feed = self._feeds.get(room)
        if feed is not None:
            self._ephemeral.add(room, frames, [c for c in feed.subscribers if c is not exclude])

    def cursors(self, connection: Connection, rooms: Iterable[int]) -> dict[int, Cursor]:
        """Return the cursor of each of these rooms that is subscribed.

        Rooms with a known gap are left out.
        """
        feeds = {room: self._feeds[room] for room in rooms if room in connection.rooms}
        whole = {room: feed for room, feed in feeds.items() if feed.last == feed.known}
        return {room: Cursor(feed.last, feed.version) for room, feed in whole.items()}

    def rooms(self) -> list[int]:
        """Return the rooms that have a feed on this node."""
        return list(self._feeds)

    # Events ---------------------------------------------------------------------------------------

    def advance(self, room: int, first: int, last: int, frames: bytes, *, changes: bool) -> bool:
        """Deliver the stored events `first` to `last` of a room, given as frames.

        `changes`: not all of them are new messages. Return False if they have to wait for earlier
        events.
        """
        feed = self._feeds.get(room)
        if feed is None and self._held_frames.active:
            feed = self._add_idle(room, RoomFeed(first - 1))
        if feed is None or last <= feed.last:
            return True
        if changes:
            feed.version = new_version()
        if first != feed.last + 1:
            feed.early[first] = (last, frames)
            self._note_head(room, feed, last)
            return False
        self._deliver(room, feed, last, frames)
        return True

    def deliver_early(self, room: int) -> None:
        """Send events that waited for those that were just sent."""
        feed = self._feeds.get(room)
        while feed is not None and (following := feed.early.pop(feed.last + 1, None)):
            self._deliver(room, feed, *following)

    def _deliver(self, room: int, feed: RoomFeed, last: int, frames: bytes) -> None:
        subscribers = feed.take_behind(last) if feed.ahead else feed.subscribers
        self.delivered.events += (last - feed.last) * len(subscribers)
        self.delivered.bytes += len(frames) * len(subscribers)
        self._held_frames.add(room, frames, first=feed.last + 1, last=last)
        feed.last = last
        feed.known = max(feed.known, last)
        slow = [connection for connection in subscribers if not connection.write(frames)]
        for connection in slow:
            self._drop_slow(connection)

    def notify_gap(self, room: int, seq: int) -> None:
        """Read the events up to `seq` from the database unless they arrive in time."""
        feed = self._feeds.get(room)
        if feed is not None:
            self._note_head(room, feed, seq)

    def _note_head(self, room: int, feed: RoomFeed, seq: int) -> None:
        feed.known = max(feed.known, seq)
        if feed.last < feed.known and feed.repair is None and feed.subscribers:
            feed.repair = asyncio.create_task(self._repair(room, feed))

    async def _repair(self, room: int, feed: RoomFeed) -> None:
        """Wait for events that are under way, then read the rest of the gap from the database."""
        try:
            await asyncio.sleep(REPAIR_DELAY)
            known = feed.last  # changes of members up to it are applied
            while feed.last < feed.known and feed.subscribers:
                missed = await self._read_missed(room, feed.last, known)
                if not self._deliver_missed(room, feed, missed):
                    break
                known = max([known, feed.last, *missed.changes.values()])
        except ChatServerError as error:
            logger.warning("cannot read missed events of room %d: %s", room, error)
        except Exception:
            logger.exception("cannot read missed events of room %d", room)
        finally:
            feed.early = {first: e for first, e in feed.early.items() if e[0] > feed.last}
            feed.repair = None

    def _deliver_missed(self, room: int, feed: RoomFeed, missed: Missed) -> bool:
        """Send the events of a gap; return whether there were any.

        Messages are read in their newest state, so users who have left since must not get them.
        Users who have joined again must get the room as a new one.
        """
        self._on_changes(room, missed.changes)
        events = [event for event in missed.events if event.seq > feed.last]
        if events:
            feed.version = new_version()
            self._deliver(room, feed, events[-1].seq, encode_events.frames(events))
            feed.subscribers = {c: max(seq, feed.last) for c, seq in feed.subscribers.items()}
        return bool(events)

    def close(self) -> None:
        """Cancel the tasks."""
        self._ephemeral.close()
        for feed in self._feeds.values():
            if feed.repair is not None:
                feed.repair.cancel()

"""Reads of a room's history, and catch-up of many rooms.

Access is checked with one query (`storage.rooms.Rooms.readable`), or known from subscriptions.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from chatserver.chat import event_cache
from chatserver.chat.event_cache import (
    FIRST_CHUNK,
    EncodedEvent,
    EventCache,
    EventRange,
    text_length,
)
from chatserver.chat.room_cache import RoomCache
from chatserver.errors import NotFound, Reset, Unavailable
from chatserver.models import Event, RoomFacts, User
from chatserver.protocol import (
    CATCH_UP_LIMIT,
    HISTORY_LIMIT,
    MAX_INT,
    REPLY_CHARS,
    RoomPage,
    count_fitting,
)
from chatserver.realtime.room_feed import Cursor, Missed, ReadMissed
from chatserver.storage.event_log import EventLog
from chatserver.storage.rooms import Rooms
from chatserver.text.markup import Renderer

READS = 3  # of rooms whose memberships change while they are read

# Return the cursors of those of some rooms that the connection is subscribed to.
Cursors = Callable[[Iterable[int]], Mapping[int, Cursor]]
NO_CURSOR = Cursor(-1, event_cache.UNCACHED)


def _no_cursors(_rooms: Iterable[int]) -> Mapping[int, Cursor]:
    return {}


class _Readable(NamedTuple):
    """A room that the user may read up to `head`; `left_seq`: where the user left."""

    facts: RoomFacts
    head: int
    version: int
    left_seq: int | None = None


class HistoryReader:
    """Reads rooms and their events for users."""

    def __init__(
        self,
        rooms: Rooms,
        log: EventLog,
        room_cache: RoomCache,
        event_cache: EventCache,
        *,
        published: Callable[[], Awaitable[None]],
    ) -> None:
        """`published` returns when all events that can be read now have been sent."""
        self._rooms = rooms
        self._log = log
        self._room_cache = room_cache
        self._event_cache = event_cache
        self._published = published
        self.epoch = ""  # of the log; set at start

    async def after(
        self,
        user: User,
        room: int,
        after: int,
        *,
        limit: int,
        epoch: str | None,
        cursors: Cursors = _no_cursors,
    ) -> RoomPage:
        """Return the events after `after` in order, at most `limit`. Raises Reset or NotFound."""
        pages = await self._pages(user, {room: after}, epoch, cursors, limit)
        if not pages:
            raise NotFound
        return pages[0]

    async def before(self, user: User, room: int, before: int | None, limit: int) -> RoomPage:
        """Return the last messages with seq < `before`, in order; by default the newest ones.

        Raises NotFound.
        """
        pages = await self._read_authorized(
            user, [room], lambda readable: self._before(readable, room, before, limit)
        )
        if not pages:  # the right to read has ended in the meantime
            raise NotFound
        return pages[0]

    async def _before(
        self, readable: dict[int, _Readable], room: int, before: int | None, limit: int
    ) -> list[RoomPage]:
        if room not in readable:
            raise NotFound
        facts, head, _version, left_seq = readable[room]
        before = min(before or MAX_INT, head + 1)
        newest, more = await self._newest(facts, before, limit, left_seq)
        encoded = (await self._event_cache.encode(newest)).get(room, [])
        return [_page(room, encoded, head, more=more)]

    async def _newest(
        self, facts: RoomFacts, before: int, limit: int, left_seq: int | None
    ) -> tuple[list[Event], bool]:
        """Return the last messages that fit into a reply, and whether there are more."""
        events: list[Event] = []
        while True:
            size = min(FIRST_CHUNK, limit + 1 - len(events))
            batch = await self._log.before(facts, before, size, left_seq=left_seq)
            events = batch + events
            fitting = count_fitting(text_length(event) for event in reversed(events))
            if fitting < len(events) or len(batch) < size or len(events) > limit:
                break
            before = batch[0].seq
        shown = min(fitting, limit)
        return events[len(events) - shown :], len(events) > shown

    async def catch_up(
        self,
        user: User,
        positions: dict[int, int],
        epoch: str | None,
        cursors: Cursors = _no_cursors,
    ) -> tuple[list[RoomPage], list[int]]:
        """Return the new events of many rooms, and the rooms that the user may not read.

        At most CATCH_UP_LIMIT events in all; `more` of a page says that another call is needed.
        `cursors` returns the cursors of the connection: a subscribed room may be read. Raises
        Reset.
        """
        if epoch not in (None, self.epoch):
            raise Reset(self.epoch)
        pages = await self._pages(user, positions, epoch, cursors, HISTORY_LIMIT)
        return pages, sorted(positions.keys() - {page.room for page in pages})

    async def _pages(
        self,
        user: User,
        positions: dict[int, int],
        epoch: str | None,
        cursors: Cursors,
        limit: int,
    ) -> list[RoomPage]:
        """Return the events after the positions in those rooms that the user may read.

        Subscribed rooms need no query for access, unless an event changed while they were read.
        Raises Reset.
        """
        subscribed = cursors(positions)
        if all(after <= subscribed.get(room, NO_CURSOR).seq for room, after in positions.items()):
            facts = await self._room_cache.fetch(positions)
            readable = {room: _Readable(facts[room], *subscribed[room]) for room in sorted(facts)}
            pages = await self._read(readable, positions, epoch, limit)
            await self._published()
            now = cursors(positions)
            if all(
                now.get(room, NO_CURSOR).version == cursor.version
                for room, cursor in subscribed.items()
            ):
                return pages
        return await self._read_authorized(
            user, positions, lambda readable: self._read(readable, positions, epoch, limit)
        )

    async def _read_authorized(
        self,
        user: User,
        rooms: Iterable[int],
        read: Callable[[dict[int, _Readable]], Awaitable[list[RoomPage]]],
    ) -> list[RoomPage]:
        """Return the pages that `read` returns for the rooms that a user may read.

        If a membership ended in the meantime, the events may be newer than its end: the page has
        none of them, or everything is read again if that concerns all pages. Raises Unavailable if
        it does so READS times.
        """
        readable = await self._readable(user, rooms)
        for _ in range(READS):
            pages = await read(readable)
            now = await self._readable(user, readable) if readable else readable
            same = {room for room in now if now[room].left_seq == readable[room].left_seq}
            if same or not now:
                return [
                    page
                    if page.room in same
                    else _page(page.room, [], now[page.room].head, more=True)
                    for page in pages
                    if page.room in now
                ]
            readable = now
        raise Unavailable

    async def _readable(self, user: User, positions: Iterable[int]) -> dict[int, _Readable]:
        readable = await self._rooms.readable(user.id, positions)
        return {
            room: _Readable(access.facts, access.head, event_cache.UNCACHED, access.left_seq)
            for room, access in sorted(readable.items())
        }

    async def _read(
        self,
        readable: dict[int, _Readable],
        positions: dict[int, int],
        epoch: str | None,
        limit: int,
    ) -> list[RoomPage]:
        """Read as much as fits into one reply. Raises Reset."""
        beyond = any(positions[room] > access.head for room, access in readable.items())
        if readable and (beyond or epoch not in (None, self.epoch)):
            raise Reset(self.epoch)
        events_by_room = await self._event_cache.read(_ranges(readable, positions, limit))
        pages, remaining = [], REPLY_CHARS
        for room, (_facts, head, _version, _left_seq) in readable.items():
            events = events_by_room.get(room, [])
            events = events[: count_fitting((event.length for event in events), remaining)]
            remaining -= sum(event.length for event in events)
            pages.append(_page(room, events, head, more=positions[room] + len(events) < head))
        return pages


def gap_reader(rooms: Rooms, log: EventLog, renderer: Renderer) -> ReadMissed:
    """Return the function with which the hub reads gaps.

    Memberships are read last, so that no event is in a newer state than they are.
    """

    async def read(room: int, after: int, known: int) -> Missed:
        facts = (await rooms.facts([room])).get(room)
        events = await log.after(facts, after, MAX_INT, FIRST_CHUNK) if facts else []
        events = events[: count_fitting(text_length(event) for event in events)]
        await renderer.prepare(event.data for event in events)
        return Missed(events, await rooms.membership_changes(room, known))

    return read


def _page(room: int, events: Sequence[EncodedEvent], head: int, *, more: bool) -> RoomPage:
    encoded: list[Any] = [event.json for event in events]  # inserted into the reply as it is
    return RoomPage(room=room, events=encoded, head=head, more=more)


def _ranges(
    readable: dict[int, _Readable], positions: dict[int, int], limit: int
) -> list[EventRange]:
    """Return the range to read of each room, within the limit of the whole reply."""
    remaining, ranges = CATCH_UP_LIMIT, []
    for room, (facts, head, version, left_seq) in readable.items():
        after = positions[room]
        upto = min(head, after + min(remaining, limit))
        if upto > after:
            remaining -= upto - after
            ranges.append(EventRange(facts, version, after, upto, left_seq))
    return ranges

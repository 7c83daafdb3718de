"""Cache of encoded event ranges, shared by clients that catch up.

After a restart or a network outage all clients have missed the same events. Owns the encoded
events, for MAX_AGE and only of rooms with subscribers on this node. Callers have to authorise.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Raw

from chatserver.models import Event, RoomFacts
from chatserver.protocol import REPLY_CHARS, count_fitting, encode_events
from chatserver.storage.event_log import NO_DEPARTURES, EventLog
from chatserver.text.markup import Renderer

MAX_AGE = 60.0  # seconds
CAPACITY = 32 * 2**20  # bytes of JSON
FIRST_CHUNK = 100  # events that are read first
CHUNK_GROWTH = 4  # of each further chunk, as every query has a cost of its own
EVENTS_PER_TURN = 50  # events that are encoded in one turn of the event loop
UNCACHED = 0  # version of a room without subscribers, which is not cached


class EncodedEvent(NamedTuple):
    """An event as JSON, and the number of characters it counts for: see `text_length`."""

    json: Raw
    length: int


class EventRange(NamedTuple):
    """The events `after` < seq <= `upto` of a room; all of them exist.

    `version` changes when an event sent before has changed: see `subscriptions.RoomFeed`.
    `left_seq` is the seq with which the reader left the room, if they did.
    """

    facts: RoomFacts
    version: int
    after: int
    upto: int
    left_seq: int | None = None


@dataclass(slots=True)
class _CachedRange:
    version: int
    after: int
    until: float  # monotonic s
    events: list[EncodedEvent] = field(default_factory=list)
    size: int = 0

    @property
    def last(self) -> int:
        return self.after + len(self.events)

    def has_start(self, requested: EventRange, now: float) -> bool:
        """Whether a range begins within this one, or right after it."""
        fresh = self.version == requested.version and now < self.until
        return fresh and self.after <= requested.after <= self.last

    def part(self, requested: EventRange) -> list[EncodedEvent]:
        return self.events[requested.after - self.after : requested.upto - self.after]


class EventCache:
    """Reads ranges of events from the log, and caches them encoded."""

    def __init__(self, log: EventLog, renderer: Renderer, *, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self._log = log
        self._renderer = renderer
        self._clock = clock
        self._cache: dict[int, _CachedRange] = {}  # by room, the oldest first
        self._size = 0
        self._generation = 0  # number of calls of `clear`
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def read(self, ranges: Sequence[EventRange]) -> dict[int, list[EncodedEvent]]:
        """Return the first events of the ranges, in their order, at least as many as fit a reply.

        By room; the queries for ranges that are not cached are shared.
        """
        events, missing = self._cached(ranges)
        if missing:
            await self._fetch_once(
                [requested for requested in missing if requested.version != UNCACHED]
            )
            events, missing = self._cached(ranges)
        if missing:
            events |= await self.encode(await self._read_fitting(missing, _left_seqs(missing)))
        return events

    def _cached(
        self, ranges: Sequence[EventRange]
    ) -> tuple[dict[int, list[EncodedEvent]], list[EventRange]]:
        """Return the events that are cached, by room, and the ranges that are not."""
        cached: dict[int, list[EncodedEvent]] = {}
        missing: list[EventRange] = []
        remaining = REPLY_CHARS
        for requested in ranges:
            if remaining <= 0:
                break
            events = self._cached_events(requested, remaining)
            if events is None:
                missing.append(requested)
            else:
                cached[requested.facts.room] = events
                remaining -= _total_length(events)
        return cached, missing

    def _cached_events(self, requested: EventRange, length: int) -> list[EncodedEvent] | None:
        """Return the whole range, or the first events of it that have `length` characters."""
        cached = self._cache.get(requested.facts.room)
        if cached is None or not cached.has_start(requested, self._clock()):
            return None
        events = cached.part(requested)
        return events if requested.upto <= cached.last or _total_length(events) >= length else None

    async def _read_fitting(
        self, ranges: Sequence[EventRange], left_seqs: Mapping[int, int] = NO_DEPARTURES
    ) -> list[Event]:
        """Read the first events of the ranges, in growing parts, as many as fit into a reply."""
        events: list[Event] = []
        remaining = REPLY_CHARS
        for part in _parts(ranges):
            read = await self._log.ranges(_rows(part), left_seqs)
            lengths = [text_length(event) for event in read]
            fitting = count_fitting(lengths, remaining)
            events += read[:fitting]
            remaining -= sum(lengths)
            if remaining <= 0:
                break
        return events

    async def _fetch_once(self, uncached: Sequence[EventRange]) -> None:
        """Wait for queries of these rooms that are running, and start one for the other rooms."""
        unfetched = [requested for requested in uncached if requested.facts.room not in self._tasks]
        if unfetched:
            task = asyncio.create_task(self._fetch(unfetched))
            self._tasks |= {requested.facts.room: task for requested in unfetched}
        tasks = {self._tasks[requested.facts.room] for requested in uncached}
        if tasks:
            await asyncio.wait(tasks)  # cancelling one reader must not cancel the others
        for task in tasks:
            task.result()

    async def _fetch(self, uncached: Sequence[EventRange]) -> None:
        generation = self._generation
        try:
            ranges = [self._uncached_part(requested) for requested in uncached]
            events_by_room = await self.encode(await self._read_fitting(ranges))
            for requested in ranges if generation == self._generation else ():
                if events := events_by_room.get(requested.facts.room):
                    self._add(requested, events)
        finally:
            for requested in uncached:
                del self._tasks[requested.facts.room]

    def _uncached_part(self, requested: EventRange) -> EventRange:
        """Return the part of a range that is not cached yet."""
        cached = self._cache.get(requested.facts.room)
        if cached is None or not cached.has_start(requested, self._clock()):
            return requested
        return requested._replace(after=cached.last)

    async def encode(self, events: Sequence[Event]) -> dict[int, list[EncodedEvent]]:
        """Encode events, by room, a batch in each turn of the event loop."""
        rooms: dict[int, list[EncodedEvent]] = {}
        for start in range(0, len(events), EVENTS_PER_TURN):
            if start:
                await asyncio.sleep(0)
            batch = events[start : start + EVENTS_PER_TURN]
            await self._renderer.prepare(event.data for event in batch)
            for event in batch:
                encoded = EncodedEvent(Raw(encode_events.payload(event)), text_length(event))
                rooms.setdefault(event.room, []).append(encoded)
        return rooms

    def clear(self) -> None:
        """Drop everything: the log was changed without an event."""
        for room in list(self._cache):
            self._evict(room)
        self._generation += 1

    def _add(self, requested: EventRange, events: list[EncodedEvent]) -> None:
        now = self._clock()
        for room in [room for room, cached in self._cache.items() if cached.until <= now]:
            self._evict(room)
        cached = self._evict(requested.facts.room)
        if cached is None or not cached.has_start(requested, now):
            cached = _CachedRange(requested.version, requested.after, now + MAX_AGE)
        cached.events += events
        cached.size += sum(len(event.json) for event in events)
        self._cache[requested.facts.room] = cached
        self._size += cached.size
        while self._size > CAPACITY:
            self._evict(next(iter(self._cache)))

    def _evict(self, room: int) -> _CachedRange | None:
        cached = self._cache.pop(room, None)
        if cached is not None:
            self._size -= cached.size
        return cached


def text_length(event: Event) -> int:
    """Return roughly the number of characters that users chose: text and names in the event."""
    if not event.change and not event.reactions:
        return len(event.data) + len(event.files)
    names = sum(len(name) + 3 for name in event.change.get("users") or ())
    for reacted in event.reactions.values():
        names += sum(len(name) + 3 for name in reacted)
    return len(event.data) + len(event.files) + names


def _left_seqs(ranges: Iterable[EventRange]) -> dict[int, int]:
    return {
        requested.facts.room: requested.left_seq
        for requested in ranges
        if requested.left_seq is not None
    }


def _rows(ranges: Iterable[EventRange]) -> list[tuple[RoomFacts, int, int]]:
    return [(requested.facts, requested.after, requested.upto) for requested in ranges]


def _total_length(events: Iterable[EncodedEvent]) -> int:
    return sum([event.length for event in events])


def _parts(ranges: Iterable[EventRange]) -> Iterator[list[EventRange]]:
    """Split ranges into lists of FIRST_CHUNK events, then CHUNK_GROWTH times as many each time."""
    part: list[EventRange] = []
    chunk = remaining = FIRST_CHUNK
    for requested in ranges:
        rest = requested
        while rest.after < rest.upto:
            first = rest._replace(upto=min(rest.upto, rest.after + remaining))
            part.append(first)
            remaining -= first.upto - first.after
            rest = rest._replace(after=first.upto)
            if not remaining:
                yield part
                part, chunk = [], CHUNK_GROWTH * chunk
                remaining = chunk
    if part:
        yield part

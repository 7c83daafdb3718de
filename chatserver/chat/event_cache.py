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
from chatserver.protocol import encode_events
from chatserver.storage.event_log import NO_LIMITS, EventLog
from chatserver.text.markup import Renderer

MAX_AGE = 60.0  # seconds
CAPACITY = 32 * 2**20  # bytes of JSON
PAGE_TEXT = 60_000  # characters of text and names in one reply
FIRST_PART = 100  # events that are read first
GROWTH = 4  # of each further part, as every query has a cost of its own
EVENTS_PER_TURN = 50  # events that are encoded in one turn of the event loop
UNCACHED = 0  # version of a room without subscribers, which is not cached


class EncodedEvent(NamedTuple):
    """An event as JSON, and the number of characters it counts for: see `weight`."""

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

    def has_start(self, wanted: EventRange, now: float) -> bool:
        """Whether a range begins within this one, or right after it."""
        fresh = self.version == wanted.version and now < self.until
        return fresh and self.after <= wanted.after <= self.last

    def part(self, wanted: EventRange) -> list[EncodedEvent]:
        return self.events[wanted.after - self.after : wanted.upto - self.after]


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
        found, missing = self._cached(ranges)
        if missing:
            await self._fetch_once([wanted for wanted in missing if wanted.version != UNCACHED])
            found, missing = self._cached(ranges)
        if missing:
            found |= await self.encode(await self._read_fitting(missing, _left_seqs(missing)))
        return found

    def _cached(
        self, ranges: Sequence[EventRange]
    ) -> tuple[dict[int, list[EncodedEvent]], list[EventRange]]:
        """Return the events that are cached, by room, and the ranges that are not."""
        found: dict[int, list[EncodedEvent]] = {}
        missing: list[EventRange] = []
        remaining = PAGE_TEXT
        for wanted in ranges:
            if remaining <= 0:
                break
            events = self._cached_events(wanted, remaining)
            if events is None:
                missing.append(wanted)
            else:
                found[wanted.facts.room] = events
                remaining -= _length(events)
        return found, missing

    def _cached_events(self, wanted: EventRange, size: int) -> list[EncodedEvent] | None:
        """Return the whole range, or the first events of it that have `size` characters."""
        cached = self._cache.get(wanted.facts.room)
        if cached is None or not cached.has_start(wanted, self._clock()):
            return None
        events = cached.part(wanted)
        return events if wanted.upto <= cached.last or _length(events) >= size else None

    async def _read_fitting(
        self, ranges: Sequence[EventRange], left_seqs: Mapping[int, int] = NO_LIMITS
    ) -> list[Event]:
        """Read the first events of the ranges, in growing parts, as many as fit into a reply."""
        events: list[Event] = []
        remaining = PAGE_TEXT
        for part in _parts(ranges):
            some = await self._log.ranges(_rows(part), left_seqs)
            lengths = [weight(event) for event in some]
            fitting = count_fitting(lengths, remaining)
            events += some[:fitting]
            remaining -= sum(lengths)
            if remaining <= 0:
                break
        return events

    async def _fetch_once(self, uncached: Sequence[EventRange]) -> None:
        """Wait for queries of these rooms that are running, and start one for the other rooms."""
        mine = [wanted for wanted in uncached if wanted.facts.room not in self._tasks]
        if mine:
            task = asyncio.create_task(self._fetch(mine))
            self._tasks |= {wanted.facts.room: task for wanted in mine}
        tasks = {self._tasks[wanted.facts.room] for wanted in uncached}
        if tasks:
            await asyncio.wait(tasks)  # cancelling one reader must not cancel the others
        for task in tasks:
            task.result()

    async def _fetch(self, uncached: Sequence[EventRange]) -> None:
        generation = self._generation
        try:
            ranges = [self._uncached_part(wanted) for wanted in uncached]
            found = await self.encode(await self._read_fitting(ranges))
            for wanted in ranges if generation == self._generation else ():
                if events := found.get(wanted.facts.room):
                    self._add(wanted, events)
        finally:
            for wanted in uncached:
                del self._tasks[wanted.facts.room]

    def _uncached_part(self, wanted: EventRange) -> EventRange:
        """Return the part of a range that is not cached yet."""
        cached = self._cache.get(wanted.facts.room)
        if cached is None or not cached.has_start(wanted, self._clock()):
            return wanted
        return wanted._replace(after=cached.last)

    async def encode(self, events: Sequence[Event]) -> dict[int, list[EncodedEvent]]:
        """Encode events, by room, a batch in each turn of the event loop."""
        rooms: dict[int, list[EncodedEvent]] = {}
        for start in range(0, len(events), EVENTS_PER_TURN):
            if start:
                await asyncio.sleep(0)
            batch = events[start : start + EVENTS_PER_TURN]
            await self._renderer.prepare(event.data for event in batch)
            for event in batch:
                encoded = EncodedEvent(Raw(encode_events.payload(event)), weight(event))
                rooms.setdefault(event.room, []).append(encoded)
        return rooms

    def clear(self) -> None:
        """Drop everything: the log was changed without an event."""
        for room in list(self._cache):
            self._evict(room)
        self._generation += 1

    def _add(self, wanted: EventRange, events: list[EncodedEvent]) -> None:
        now = self._clock()
        for room in [room for room, cached in self._cache.items() if cached.until <= now]:
            self._evict(room)
        cached = self._evict(wanted.facts.room)
        if cached is None or not cached.has_start(wanted, now):
            cached = _CachedRange(wanted.version, wanted.after, now + MAX_AGE)
        cached.events += events
        cached.size += sum(len(event.json) for event in events)
        self._cache[wanted.facts.room] = cached
        self._size += cached.size
        while self._size > CAPACITY:
            self._evict(next(iter(self._cache)))

    def _evict(self, room: int) -> _CachedRange | None:
        cached = self._cache.pop(room, None)
        if cached is not None:
            self._size -= cached.size
        return cached


def weight(event: Event) -> int:
    """Return roughly the number of characters that users chose: text and names in the event."""
    if not event.change and not event.reactions:
        return len(event.data)
    names = sum(len(name) + 3 for name in event.change.get("users") or ())
    for reacted in event.reactions.values():
        names += sum(len(name) + 3 for name in reacted)
    return len(event.data) + names


def count_fitting(lengths: Iterable[int], remaining: int = PAGE_TEXT) -> int:
    """Return how many of the first texts fit into a reply with `remaining` characters to go.

    The last of them may exceed it, so that a whole reply is never empty.
    """
    count = 0
    for length in lengths:
        if remaining <= 0:
            break
        remaining -= length
        count += 1
    return count


def _left_seqs(ranges: Iterable[EventRange]) -> dict[int, int]:
    return {each.facts.room: each.left_seq for each in ranges if each.left_seq is not None}


def _rows(ranges: Iterable[EventRange]) -> list[tuple[RoomFacts, int, int]]:
    return [(wanted.facts, wanted.after, wanted.upto) for wanted in ranges]


def _length(events: Iterable[EncodedEvent]) -> int:
    return sum([event.length for event in events])


def _parts(ranges: Iterable[EventRange]) -> Iterator[list[EventRange]]:
    """Split ranges into lists of FIRST_PART events, then of GROWTH times as many each time."""
    part: list[EventRange] = []
    size = remaining = FIRST_PART
    for wanted in ranges:
        rest = wanted
        while rest.after < rest.upto:
            first = rest._replace(upto=min(rest.upto, rest.after + remaining))
            part.append(first)
            remaining -= first.upto - first.after
            rest = rest._replace(after=first.upto)
            if not remaining:
                yield part
                part, size = [], GROWTH * size
                remaining = size
    if part:
        yield part

"""Stretches of rooms' logs as they are told, read and encoded once for all who ask for the same.

When a server or a line comes back, everybody has missed the same. Owns what is kept: for a minute,
and only of rooms that somebody here listens to. Who may see it is decided before anybody asks here.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Raw

from chatserver.models import Event, RoomFacts
from chatserver.protocol import encode_events
from chatserver.storage.log import Log
from chatserver.text.markup import Renderer

AGE = 60.0  # seconds that something is kept
CAPACITY = 32 * 2**20  # bytes of JSON that are kept
PAGE_TEXT = 60_000  # characters of text and names in one answer
SOME = 50  # events that are encoded in one turn of the loop
UNKEPT = 0  # the version of a room that nobody here listens to


class Told(NamedTuple):
    """An event as JSON, and how many characters it counts for: see `weight`."""

    json: Raw
    length: int


class Stretch(NamedTuple):
    """The events `after` < seq <= `upto`, which are there.

    `version` is another one as soon as anything told before has changed: see `feeds.Feed`.
    `left`: the seq with which the reader left the room, if so.
    """

    facts: RoomFacts
    version: int
    after: int
    upto: int
    left: int | None = None


@dataclass(slots=True)
class _Kept:
    version: int
    after: int
    until: float  # monotonic s
    told: list[Told] = field(default_factory=list)
    size: int = 0

    @property
    def last(self) -> int:
        return self.after + len(self.told)

    def has(self, asked: Stretch, now: float) -> bool:
        fresh = self.version == asked.version and now < self.until
        return fresh and self.after <= asked.after and asked.upto <= self.last


class EventCache:
    """Reads stretches through a log, and keeps what was read."""

    def __init__(self, log: Log, renderer: Renderer, *, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._log = log
        self._renderer = renderer
        self._clock = clock
        self._kept: dict[int, _Kept] = {}  # the oldest first
        self._size = 0
        self._cleared = 0  # times
        self._reading: dict[int, asyncio.Task[None]] = {}

    async def read(self, wanted: Sequence[Stretch]) -> dict[int, list[Told]]:
        """All that is asked for, by room: from memory, or in one query what is not there."""
        lacking = [asked for asked in wanted if self._find(asked) is None]
        if lacking:
            await self._fetch_once([asked for asked in lacking if asked.version != UNKEPT])
        found = {asked.facts.room: self._find(asked) for asked in wanted}
        missing = [asked for asked in wanted if found[asked.facts.room] is None]
        alone = await self._read_alone(missing) if missing else {}
        return {room: alone.get(room, []) if told is None else told for room, told in found.items()}

    async def _read_alone(self, missing: Sequence[Stretch]) -> dict[int, list[Told]]:
        """As much as goes into one answer; the rest would be encoded for nobody."""
        left = {asked.facts.room: asked.left for asked in missing if asked.left is not None}
        events = await self._log.stretches(_rows(missing), left)
        return await self.encoded(events[: fitting(weight(event) for event in events)])

    def _find(self, asked: Stretch) -> list[Told] | None:
        kept = self._kept.get(asked.facts.room)
        if kept is None or not kept.has(asked, self._clock()):
            return None
        return kept.told[asked.after - kept.after : asked.upto - kept.after]

    async def _fetch_once(self, lacking: Sequence[Stretch]) -> None:
        """Wait for those who read these rooms already; read the others, while more may wait."""
        mine = [asked for asked in lacking if asked.facts.room not in self._reading]
        if mine:
            task = asyncio.create_task(self._fetch(mine))
            self._reading |= {asked.facts.room: task for asked in mine}
        tasks = {self._reading[asked.facts.room] for asked in lacking}
        if tasks:
            await asyncio.wait(tasks)  # who goes away takes nobody's answer along
        for task in tasks:
            task.result()

    async def _fetch(self, lacking: Sequence[Stretch]) -> None:
        cleared = self._cleared
        try:
            wanted = [self._beginning(asked) for asked in lacking]
            found = await self.encoded(await self._log.stretches(_rows(wanted)))
            for asked in wanted if cleared == self._cleared else ():
                self._keep(asked, found.get(asked.facts.room, []))
        finally:
            for asked in lacking:
                del self._reading[asked.facts.room]

    def _beginning(self, asked: Stretch) -> Stretch:
        """What of it does not stand behind what is kept already."""
        kept = self._kept.get(asked.facts.room)
        if kept is None or not kept.has(asked._replace(upto=asked.after), self._clock()):
            return asked
        return asked._replace(after=kept.last)

    async def encoded(self, events: Sequence[Event]) -> dict[int, list[Told]]:
        """Any number of events as they are told, by room; others have their turn in between."""
        rooms: dict[int, list[Told]] = {}
        for start in range(0, len(events), SOME):
            if start:
                await asyncio.sleep(0)
            some = events[start : start + SOME]
            await self._renderer.prepare(event.data for event in some)
            for room, told in _by_room(some).items():
                rooms.setdefault(room, []).extend(told)
        return rooms

    def clear(self) -> None:
        """Keep nothing: what stands in the log has changed without an event."""
        for room in list(self._kept):
            self._forget(room)
        self._cleared += 1

    def _keep(self, asked: Stretch, told: list[Told]) -> None:
        now = self._clock()
        for room in [room for room, kept in self._kept.items() if kept.until <= now]:
            self._forget(room)
        kept = self._forget(asked.facts.room)
        if kept is None or not kept.has(asked._replace(upto=asked.after), now):
            kept = _Kept(asked.version, asked.after, now + AGE)
        kept.told += told
        kept.size += sum(len(one.json) for one in told)
        self._kept[asked.facts.room] = kept
        self._size += kept.size
        while self._size > CAPACITY:
            self._forget(next(iter(self._kept)))

    def _forget(self, room: int) -> _Kept | None:
        kept = self._kept.pop(room, None)
        if kept is not None:
            self._size -= kept.size
        return kept


def _by_room(events: Iterable[Event]) -> dict[int, list[Told]]:
    """Events as they are told."""
    rooms: dict[int, list[Told]] = {}
    for event in events:
        told = Told(Raw(encode_events.payload(event)), weight(event))
        rooms.setdefault(event.room, []).append(told)
    return rooms


def weight(event: Event) -> int:
    """About the characters of an event that its users choose: its text, and the names in it."""
    names = sum(len(name) + 3 for name in event.change.get("users") or ())
    for reacted in event.reactions.values():
        names += sum(len(name) + 3 for name in reacted)
    return len(event.data) + names


def fitting(lengths: Iterable[int], left: int = PAGE_TEXT) -> int:
    """How many of the first texts go into one answer that has so many characters left.

    The last of them may go beyond, so that a whole answer is never empty.
    """
    count = 0
    for length in lengths:
        if left <= 0:
            break
        left -= length
        count += 1
    return count


def _rows(wanted: Iterable[Stretch]) -> list[tuple[RoomFacts, int, int]]:
    return [(asked.facts, asked.after, asked.upto) for asked in wanted]

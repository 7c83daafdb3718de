"""Event cache: shared queries, completeness, order and invalidation."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from chatserver.chat import event_cache as event_cache_module
from chatserver.chat.event_cache import (
    FIRST_CHUNK,
    MAX_AGE,
    UNCACHED,
    EncodedEvent,
    EventCache,
    EventRange,
)
from chatserver.errors import Unavailable
from chatserver.models import Event, RoomFacts, RoomKind
from chatserver.protocol import REPLY_CHARS
from chatserver.storage.event_log import NO_DEPARTURES
from chatserver.text.markup import Renderer

LOBBY = RoomFacts(1, RoomKind.GROUP)


class FakeLog:
    """In-memory log; `text` is its present text, `reads` the ranges of each query."""

    def __init__(self) -> None:
        self.text = "hi"
        self.reads: list[list[tuple[int, int, int]]] = []
        self.time = 0.0
        self.away = False
        self.recent = EventCache(self, Renderer(), clock=lambda: self.time)  # type: ignore[arg-type]

    async def ranges(
        self, wanted: Iterable[tuple[RoomFacts, int, int]], left: Mapping[int, int] = NO_DEPARTURES
    ) -> list[Event]:
        found = [(facts.room, after, upto) for facts, after, upto in wanted]
        self.reads.append(found)
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable
        return [
            Event(room, seq, "ann", self.text, 0)
            for room, after, upto in found
            for seq in range(after + 1, upto + 1)
        ]

    async def read(self, after: int, upto: int, version: int = 7, room: int = 1) -> list[str]:
        facts = RoomFacts(room, RoomKind.GROUP)
        found = await self.recent.read([EventRange(facts, version, after, upto)])
        return texts(found[room])


def texts(encoded_events: list[EncodedEvent]) -> list[str]:
    return [bytes(one.json).decode().split('"data":"')[1].split('"')[0] for one in encoded_events]


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


async def test_concurrent_reads_share_one_query(log: FakeLog) -> None:
    answers = await asyncio.gather(*(log.read(0, 5) for _ in range(100)))
    assert answers == [["hi"] * 5] * 100
    assert log.reads == [[(1, 0, 5)]]


async def test_later_reads_are_answered_from_the_cache(log: FakeLog) -> None:
    await log.read(0, 5)
    assert await log.read(2, 4) == ["hi", "hi"]
    assert len(log.reads) == 1


async def test_only_new_events_are_queried(log: FakeLog) -> None:
    await log.read(0, 5)
    log.text = "later"
    assert await log.read(3, 7) == ["hi", "hi", "later", "later"]
    assert log.reads[1:] == [[(1, 5, 7)]]


async def test_a_longer_range_is_queried_completely(log: FakeLog) -> None:
    await log.read(3, 5)
    assert await log.read(0, 6) == ["hi"] * 6
    assert await log.read(1, 6) == ["hi"] * 5
    assert log.reads == [[(1, 3, 5)], [(1, 0, 6)]]


async def test_an_edit_invalidates_the_cache(log: FakeLog) -> None:
    await log.read(0, 2)
    log.text = "edited"
    assert await log.read(0, 2, version=8) == ["edited", "edited"]


async def test_a_range_that_is_edited_during_its_query_is_not_cached(log: FakeLog) -> None:
    before = asyncio.create_task(log.read(0, 2))
    await asyncio.sleep(0)
    log.text = "edited"
    assert await log.read(0, 2, version=8) == ["edited", "edited"]
    await before
    assert await log.read(0, 2, version=8) == ["edited", "edited"]


async def test_ranges_expire_after_a_minute(log: FakeLog) -> None:
    await log.read(0, 2)
    log.time = MAX_AGE
    log.text = "new"
    assert await log.read(0, 3) == ["new"] * 3
    log.time = 1.5 * MAX_AGE
    assert await log.read(0, 3) == ["new"] * 3
    assert len(log.reads) == 2


async def test_rooms_without_subscribers_are_not_cached(log: FakeLog) -> None:
    for text in ("one", "two"):
        log.text = text
        assert await log.read(0, 1, version=UNCACHED) == [text]


async def test_uncached_rooms_share_one_query(log: FakeLog) -> None:
    other = RoomFacts(2, RoomKind.GROUP)
    await log.read(0, 2)
    wanted = [EventRange(LOBBY, 7, 0, 3), EventRange(other, 9, 4, 6)]
    found = await log.recent.read(wanted)
    assert {room: len(encoded_events) for room, encoded_events in found.items()} == {1: 3, 2: 2}
    assert log.reads[1:] == [[(1, 2, 3), (2, 4, 6)]]


async def test_a_failed_query_is_repeated_by_the_next_read(log: FakeLog) -> None:
    log.away = True
    for outcome in await asyncio.gather(*(log.read(0, 2) for _ in "ab"), return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    log.away = False
    assert await log.read(0, 2) == ["hi", "hi"]


async def test_cancelling_one_reader_does_not_cancel_others(log: FakeLog) -> None:
    first = asyncio.create_task(log.read(0, 2))
    second = asyncio.create_task(log.read(0, 2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ["hi", "hi"]


async def test_the_cache_size_is_limited(log: FakeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_cache_module, "CAPACITY", 1_000)
    log.text = "x" * 300
    for room in (1, 2, 3, 4):
        await log.read(0, 1, room=room)
    assert len(log.reads) == 4
    await log.read(0, 1, room=4)
    assert len(log.reads) == 4
    await log.read(0, 1, room=1)
    assert len(log.reads) == 5


# As much as fits into a reply --------------------------------------------------------------------


def read_count(log: FakeLog) -> int:
    """How many events were read from the log."""
    return sum(upto - after for part in log.reads for _room, after, upto in part)


@pytest.mark.parametrize("version", [7, UNCACHED])
async def test_no_more_is_read_and_encoded_than_a_few_times_a_reply(
    log: FakeLog, version: int
) -> None:
    log.text = "x" * (REPLY_CHARS // 10)
    assert len(await log.read(0, 500, version)) == 10
    assert read_count(log) == FIRST_CHUNK


async def test_a_range_of_short_events_is_read_whole_in_growing_parts(log: FakeLog) -> None:
    assert len(await log.read(0, 500)) == 500
    assert [[upto - after for _, after, upto in part] for part in log.reads] == [[100], [400]]


async def test_the_rest_of_a_range_is_read_when_it_is_wanted(log: FakeLog) -> None:
    log.text = "x" * (REPLY_CHARS // 10)
    for after in range(0, 30, 10):
        for _client in range(2):
            assert len(await log.read(after, 30)) == 10
    assert len(log.reads) == 3
    assert len(await log.read(5, 30)) >= 10
    assert len(log.reads) == 3


async def test_rooms_behind_a_full_reply_are_not_read(log: FakeLog) -> None:
    log.text = "x" * (REPLY_CHARS // 4)
    rooms = [RoomFacts(room, RoomKind.GROUP) for room in range(1, 300)]
    for version in (7, 7, UNCACHED):
        found = await log.recent.read([EventRange(room, version, 0, 3) for room in rooms])
        assert {room: len(events) for room, events in found.items()} == {1: 3, 2: 1}
    assert read_count(log) == 2 * FIRST_CHUNK

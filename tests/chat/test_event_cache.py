"""What is read once for all who come back: whole, in order, and never older than an edit."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from chatserver.chat import event_cache as event_cache_module
from chatserver.chat.event_cache import MAX_AGE, UNCACHED, EncodedEvent, EventCache, EventRange
from chatserver.errors import Unavailable
from chatserver.models import Event, RoomFacts, RoomKind
from chatserver.storage.event_log import NO_LIMITS
from chatserver.text.markup import Renderer

LOBBY = RoomFacts(1, RoomKind.GROUP)


class Shelf:
    """A log in memory; `text` is what stands in it now, `reads` what was looked up together."""

    def __init__(self) -> None:
        self.text = "hi"
        self.reads: list[list[tuple[int, int, int]]] = []
        self.time = 0.0
        self.away = False
        self.recent = EventCache(self, Renderer(), clock=lambda: self.time)  # type: ignore[arg-type]

    async def ranges(
        self, wanted: Iterable[tuple[RoomFacts, int, int]], left: Mapping[int, int] = NO_LIMITS
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


def texts(told: list[EncodedEvent]) -> list[str]:
    return [bytes(one.json).decode().split('"data":"')[1].split('"')[0] for one in told]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_many_who_ask_at_once_are_one_query(shelf: Shelf) -> None:
    answers = await asyncio.gather(*(shelf.read(0, 5) for _ in range(100)))
    assert answers == [["hi"] * 5] * 100
    assert shelf.reads == [[(1, 0, 5)]]


async def test_who_comes_later_is_answered_from_memory(shelf: Shelf) -> None:
    await shelf.read(0, 5)
    assert await shelf.read(2, 4) == ["hi", "hi"]
    assert len(shelf.reads) == 1


async def test_only_what_is_new_is_read(shelf: Shelf) -> None:
    await shelf.read(0, 5)
    shelf.text = "later"
    assert await shelf.read(3, 7) == ["hi", "hi", "later", "later"]
    assert shelf.reads[1:] == [[(1, 5, 7)]]


async def test_who_missed_more_gets_all_of_it(shelf: Shelf) -> None:
    await shelf.read(3, 5)
    assert await shelf.read(0, 6) == ["hi"] * 6
    assert await shelf.read(1, 6) == ["hi"] * 5
    assert shelf.reads == [[(1, 3, 5)], [(1, 0, 6)]]


async def test_after_an_edit_everything_is_read_anew(shelf: Shelf) -> None:
    await shelf.read(0, 2)
    shelf.text = "edited"
    assert await shelf.read(0, 2, version=8) == ["edited", "edited"]


async def test_an_edit_while_it_is_read_spoils_nothing(shelf: Shelf) -> None:
    before = asyncio.create_task(shelf.read(0, 2))
    await asyncio.sleep(0)
    shelf.text = "edited"
    assert await shelf.read(0, 2, version=8) == ["edited", "edited"]
    await before
    assert await shelf.read(0, 2, version=8) == ["edited", "edited"]


async def test_after_a_minute_it_is_read_anew(shelf: Shelf) -> None:
    await shelf.read(0, 2)
    shelf.time = MAX_AGE
    shelf.text = "new"
    assert await shelf.read(0, 3) == ["new"] * 3
    shelf.time = 1.5 * MAX_AGE
    assert await shelf.read(0, 3) == ["new"] * 3
    assert len(shelf.reads) == 2


async def test_rooms_that_nobody_hears_are_not_kept(shelf: Shelf) -> None:
    for text in ("one", "two"):
        shelf.text = text
        assert await shelf.read(0, 1, version=UNCACHED) == [text]


async def test_rooms_that_are_not_there_yet_are_one_query(shelf: Shelf) -> None:
    other = RoomFacts(2, RoomKind.GROUP)
    await shelf.read(0, 2)
    wanted = [EventRange(LOBBY, 7, 0, 3), EventRange(other, 9, 4, 6)]
    found = await shelf.recent.read(wanted)
    assert {room: len(told) for room, told in found.items()} == {1: 3, 2: 2}
    assert shelf.reads[1:] == [[(1, 2, 3), (2, 4, 6)]]


async def test_a_database_that_is_away_is_asked_again(shelf: Shelf) -> None:
    shelf.away = True
    for outcome in await asyncio.gather(*(shelf.read(0, 2) for _ in "ab"), return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    shelf.away = False
    assert await shelf.read(0, 2) == ["hi", "hi"]


async def test_who_goes_away_takes_nobodys_answer_along(shelf: Shelf) -> None:
    first = asyncio.create_task(shelf.read(0, 2))
    second = asyncio.create_task(shelf.read(0, 2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ["hi", "hi"]


async def test_memory_is_bounded(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_cache_module, "CAPACITY", 1_000)
    shelf.text = "x" * 300
    for room in (1, 2, 3, 4):
        await shelf.read(0, 1, room=room)
    assert len(shelf.reads) == 4
    await shelf.read(0, 1, room=4)
    assert len(shelf.reads) == 4
    await shelf.read(0, 1, room=1)
    assert len(shelf.reads) == 5

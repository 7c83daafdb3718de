"""Reads of rooms whose memberships change while they are read."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest
from msgspec import Raw

from chatserver.chat.event_cache import EncodedEvent, EventRange
from chatserver.chat.history import READS, HistoryReader
from chatserver.errors import NotFound, Unavailable
from chatserver.models import Event, RoomFacts, RoomKind, User
from chatserver.storage.rooms import Access

ANN = User(1, "ann", "Ann")
HEAD = 2


class Fake:
    """Stands for everything that a HistoryReader reads from; `lefts` has left_seqs by room."""

    def __init__(self, **lefts: list[int | None]) -> None:
        self.lefts = {int(room[1:]): iter(found) for room, found in lefts.items()}
        self.reads: list[list[int]] = []

    async def readable(self, _user: int, rooms: Iterable[int]) -> dict[int, Access]:
        lefts = {room: next(self.lefts[room], -1) for room in rooms}
        return {
            room: Access(RoomFacts(room, RoomKind.GROUP), HEAD, left)
            for room, left in lefts.items()
            if left != -1
        }

    async def read(self, ranges: Sequence[EventRange]) -> dict[int, list[EncodedEvent]]:
        self.reads.append([one.facts.room for one in ranges])
        event = EncodedEvent(Raw(b"{}"), 1)
        return {one.facts.room: [event] * (one.upto - one.after) for one in ranges}

    async def before(self, *_arguments: object, **_options: object) -> list[Event]:
        return []

    async def encode(self, _events: Sequence[Event]) -> dict[int, list[EncodedEvent]]:
        return {}

    async def published(self) -> None:
        pass

    def reader(self) -> HistoryReader:
        parts = [cast(Any, self)] * 4
        return HistoryReader(*parts, published=self.published)


async def test_a_page_is_empty_if_the_membership_changed_while_many_rooms_were_read() -> None:
    fake = Fake(r1=[None, None], r2=[None, 1], r3=[None], r4=[1, 1])
    pages, denied = await fake.reader().catch_up(ANN, dict.fromkeys(range(1, 5), 0), None)
    assert [(page.room, len(page.events), page.more) for page in pages] == [
        (1, 2, False),
        (2, 0, True),
        (4, 2, False),
    ]
    assert (denied, len(fake.reads)) == ([3], 1)


async def test_a_room_is_read_again_if_its_membership_changed() -> None:
    fake = Fake(r1=[None, 1, 1])
    page = await fake.reader().after(ANN, 1, 0, limit=5, epoch=None)
    assert (len(page.events), fake.reads) == (2, [[1], [1]])


@pytest.mark.parametrize(
    ("lefts", "error", "reads"),
    [([None, 1, 2, 3, 4, 4], Unavailable, READS), ([None, 1], NotFound, 2), ([], NotFound, 1)],
    ids=["it always changes", "it ends", "there is none"],
)
async def test_a_read_is_refused_if_its_membership(
    lefts: list[int | None], error: type[Exception], reads: int
) -> None:
    fake = Fake(r1=lefts)
    with pytest.raises(error):
        await fake.reader().after(ANN, 1, 0, limit=5, epoch=None)
    assert len(fake.reads) == reads
    with pytest.raises(error):
        await Fake(r1=lefts).reader().before(ANN, 1, None, 5)

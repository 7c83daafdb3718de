"""Room cache: immutable facts are queried once."""

from collections.abc import Iterable

import pytest

from chatserver.chat import room_cache as room_cache_module
from chatserver.chat.room_cache import RoomCache
from chatserver.errors import NotFound
from chatserver.models import RoomFacts, RoomKind


class Rooms:
    """Fake store in which the rooms up to 9 exist."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    async def facts(self, numbers: Iterable[int]) -> dict[int, RoomFacts]:
        self.asked.append(list(numbers))
        return {n: RoomFacts(n, RoomKind.GROUP) for n in self.asked[-1] if n < 10}


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.fixture
def facts(rooms: Rooms) -> RoomCache:
    return RoomCache(rooms)  # type: ignore[arg-type]


async def test_a_room_is_queried_once(facts: RoomCache, rooms: Rooms) -> None:
    assert facts.get(1) is None
    assert await facts.fetch_one(1) == facts.get(1) == RoomFacts(1, RoomKind.GROUP)
    assert sorted(await facts.fetch([1, 2])) == [1, 2]
    assert rooms.asked == [[1], [2]]


async def test_missing_rooms_are_omitted(facts: RoomCache) -> None:
    assert sorted(await facts.fetch([1, 11])) == [1]
    with pytest.raises(NotFound):
        await facts.fetch_one(11)


async def test_a_full_cache_returns_all_requested_rooms(
    facts: RoomCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache_module, "CAPACITY", 3)
    await facts.fetch([1, 2, 3])
    assert sorted(await facts.fetch([1, 2, 3, 4, 5])) == [1, 2, 3, 4, 5]


async def test_direct_rooms_are_cached_by_user_and_name(facts: RoomCache) -> None:
    direct = RoomFacts(5, RoomKind.DIRECT, ((1, "ann"), (2, "bo")))
    facts.add(direct, pair=(1, "Bo"))
    assert facts.direct(1, "Bo") is direct
    assert facts.direct(2, "ann") is None

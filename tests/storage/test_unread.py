"""Counts of unread messages and mentions, and the limit of the messages that are read for them."""

import pytest
from msgspec.structs import replace

from chatserver.models import LOBBY, Post, User
from chatserver.storage import room_list, unread
from chatserver.storage.unread import MAX_SCANNED, MIN_SCANNED, scan_limit
from tests.storage.conftest import Storage, acting, draft
from tests.storage.crowded import make_rooms


@pytest.mark.parametrize(
    ("unread_events", "limit"),
    [
        ([], MAX_SCANNED),
        ([0, 0, 3], MAX_SCANNED),
        ([MAX_SCANNED * 9], MAX_SCANNED),
        ([10, MAX_SCANNED, 20], MAX_SCANNED - 30),
        ([MAX_SCANNED] * 4, MAX_SCANNED // 4),
        ([10] * 400 + [MAX_SCANNED] * 10, 600),
        ([MAX_SCANNED] * 500, MIN_SCANNED),
    ],
)
def test_the_scan_limit_is_divided_among_rooms_and_small_rooms_are_counted_exactly(
    unread_events: list[int], limit: int
) -> None:
    assert scan_limit(unread_events) == limit
    read = sum(min(size, limit) for size in unread_events)
    assert read <= max(MAX_SCANNED, MIN_SCANNED * len(unread_events))


@pytest.fixture
async def ann(storage: Storage) -> User:
    return await storage.user("ann")


@pytest.fixture
async def bo(storage: Storage) -> User:
    return await storage.user("bo")


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "MAX_SCANNED", 40)
    monkeypatch.setattr(room_list, "MAX_SCANNED", 40)
    monkeypatch.setattr(unread, "MIN_SCANNED", 10)


@pytest.mark.usefixtures("small_limits")
async def test_a_welcome_with_very_many_unread_messages_has_lower_bounds(
    storage: Storage, ann: User, bo: User
) -> None:
    rooms = await make_rooms(storage.database, 6, [ann.id, bo.id])
    calls = [acting(ann, Post("hi", mentions=("all",)), room=room) for room in rooms[:4]]
    await storage.log.store(
        [replace(call, id=f"{call.id}-{number}") for call in calls for number in range(30)]
        + [acting(ann, Post("hi", mentions=("bo", "all")), room=rooms[4]) for _ in range(3)]
    )
    found = await storage.rooms.for_user(bo.id)
    counts = [(one.unread, one.mentions, one.at_least) for one in found.states]
    assert counts == [(0, 0, False), *[(10, 10, True)] * 4, (3, 3, False), (0, 0, False)]
    assert found.heads == {LOBBY: 0, **dict.fromkeys(rooms[:4], 30), rooms[4]: 3, rooms[5]: 0}
    page, _after = await storage.rooms.page_after(bo.id, 0)
    assert page == found.states
    one = await storage.rooms.state(bo.id, rooms[0])
    assert one is not None
    assert (one.unread, one.mentions, one.at_least) == (30, 30, False)
    own = (await storage.rooms.for_user(ann.id)).states
    assert {(one.unread, one.mentions) for one in own} == {(0, 0)}


@pytest.mark.usefixtures("small_limits")
async def test_a_message_that_mentions_a_user_twice_is_read_and_counted_once(
    storage: Storage, ann: User, bo: User
) -> None:
    (room,) = await make_rooms(storage.database, 1, [ann.id, bo.id])
    call = acting(ann, Post("hi", mentions=("bo", "all")), room=room)
    await storage.log.store([replace(call, id=f"{call.id}-{number}") for number in range(30)])
    (_lobby, found), _after = await storage.rooms.page_after(bo.id, 0)
    assert (found.unread, found.mentions, found.at_least) == (30, 30, False)


@pytest.mark.usefixtures("small_limits")
async def test_a_last_message_behind_many_of_the_reader_is_unread(
    storage: Storage, ann: User, bo: User
) -> None:
    rooms = await make_rooms(storage.database, 5, [ann.id, bo.id])
    await storage.log.store([draft(bo, "own", room=room) for room in rooms for _ in range(15)])
    await storage.log.store([draft(ann, "hi", room=room) for room in rooms[:2]])
    await storage.log.store([draft(bo, "own", room=rooms[1])])
    found = (await storage.rooms.for_user(bo.id)).states[1:]
    assert [(one.unread, one.at_least) for one in found] == [(1, True), *[(0, True)] * 4]

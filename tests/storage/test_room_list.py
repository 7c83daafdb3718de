"""Room lists: many rooms of one user, and many users at once."""

import asyncio
from typing import Any

import pytest

from chatserver.models import LOBBY, User
from chatserver.protocol import ROOMS_LIMIT
from chatserver.storage import room_list
from chatserver.storage.room_list import BATCH_SIZE, NEWEST_SCANNED, UserRooms
from chatserver.storage.room_summary import read_states
from chatserver.storage.unread import MAX_SCANNED
from tests.storage.conftest import Storage, draft
from tests.storage.crowded import make_rooms

MANY = ROOMS_LIMIT + 120


@pytest.fixture
async def ann(storage: Storage) -> User:
    return await storage.user("ann")


@pytest.fixture
async def bo(storage: Storage) -> User:
    return await storage.user("bo")


async def test_rooms_with_unread_messages_come_first_then_those_with_the_newest_events(
    storage: Storage, ann: User, bo: User
) -> None:
    rooms = await make_rooms(storage.database, MANY, [ann.id, bo.id])
    said = [draft(ann, "hi", room=room) for room in rooms]
    await storage.log.store(said)
    await storage.rooms.advance_reads({(bo.id, room): 1 for room in rooms[10:]})
    storage.now += 1
    await storage.log.store([draft(bo, "mine", room=rooms[20])])  # the newest, and not unread
    found = await storage.rooms.for_user(bo.id)
    listed = [state.room for state in found.states]
    assert (len(listed), found.more) == (ROOMS_LIMIT, True)
    assert listed[0] == LOBBY
    assert set(listed[1:11]) == set(rooms[:10])
    assert listed[11] == rooms[20]
    assert [state.unread for state in found.states[:12]] == [0, *[1] * 10, 0]
    assert found.heads == {LOBBY: 0, **dict.fromkeys(rooms, 1), rooms[20]: 2}


async def test_a_room_in_which_only_the_reader_wrote_is_not_searched_for_unread_messages(
    storage: Storage, ann: User, bo: User
) -> None:
    rooms = await make_rooms(storage.database, MANY, [ann.id, bo.id])
    read = [draft(ann, "hi", room=room) for room in rooms[:2]]
    await storage.log.store(read)
    await storage.rooms.advance_reads({(bo.id, room): 1 for room in rooms[:2]})
    own = [draft(bo, "mine", room=rooms[0]) for _ in range(NEWEST_SCANNED + 1)]
    await storage.log.store([*own, draft(bo, "mine", room=rooms[1])])
    storage.now += 1
    await storage.log.store([draft(bo, "mine", room=rooms[2])])
    found = await storage.rooms.for_user(bo.id)
    listed = [state.room for state in found.states]
    assert listed[:4] == [LOBBY, rooms[0], rooms[2], rooms[1]]  # the first one may have unread ones
    assert {state.unread for state in found.states} == {0}


async def test_users_who_connect_concurrently_are_read_in_statements_of_limited_size(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [await storage.user(f"bo{number}") for number in range(12)]
    await make_rooms(storage.database, 59, [user.id for user in users])
    sizes: list[int] = []

    def count(*arguments: Any, **options: Any) -> Any:
        rows = read_states(*arguments, **options)
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(room_list, "read_states", count)
    found = await asyncio.gather(*(storage.rooms.for_user(user.id) for user in users))
    assert {len(one.states) for one in found} == {60}
    assert sorted(sizes) == [180] * 4


async def test_a_user_with_very_many_rooms_is_read_separately(
    storage: Storage, ann: User, bo: User
) -> None:
    rooms = await make_rooms(storage.database, BATCH_SIZE, [ann.id])
    async with storage.database.reading() as connection:
        found = await connection.run_sync(room_list.read_rooms, [ann.id, bo.id])
    assert found[ann.id] == (ann.id, BATCH_SIZE + 1, 0)
    of_bo = found[bo.id]
    assert isinstance(of_bo, UserRooms)
    assert [state.room for state in of_bo.states] == [LOBBY]
    of_ann = await storage.rooms.for_user(ann.id)
    assert [state.room for state in of_ann.states] == [LOBBY, *rooms]
    assert of_ann.heads == dict.fromkeys([LOBBY, *rooms], 0)


@pytest.mark.parametrize(
    ("loads", "batches"),
    [
        ([(1, 5, 10)] * 20, [20]),
        ([(1, BATCH_SIZE // 2, 0)] * 5, [2, 2, 1]),
        ([(1, 5, MAX_SCANNED // 3)] * 7, [3, 3, 1]),
        ([(1, 5, MAX_SCANNED), (2, 5, 0), (3, 5, 1)], [2, 1]),
    ],
)
def test_a_batch_is_limited_by_rooms_and_by_unread_messages(
    loads: list[tuple[int, int, int]], batches: list[int]
) -> None:
    found = room_list._batches([room_list.ReadCost(*load) for load in loads])
    assert [len(batch) for batch in found] == batches


async def test_further_rooms_are_read_in_pages_each_once(
    storage: Storage, ann: User, bo: User
) -> None:
    rooms = await make_rooms(storage.database, ROOMS_LIMIT + MANY, [ann.id, bo.id])
    shown = [state.room for state in (await storage.rooms.for_user(bo.id)).states]
    after: int | None = 0
    others: list[int] = []
    while after is not None:
        page, after = await storage.rooms.page_after(bo.id, after, exclude=shown)
        others += [state.room for state in page]
    assert others == sorted(others)
    assert sorted(shown + others) == [LOBBY, *rooms]


async def test_few_rooms_are_listed_by_id(storage: Storage, ann: User, bo: User) -> None:
    rooms = await make_rooms(storage.database, 3, [bo.id])
    found = await storage.rooms.for_user(bo.id)
    assert [state.room for state in found.states] == [LOBBY, *rooms]
    assert (found.more, list(found.heads)) == (False, [LOBBY, *rooms])
    assert await storage.rooms.page_after(ann.id, 0) == (
        (await storage.rooms.for_user(ann.id)).states,
        None,
    )


async def test_public_rooms_are_listed_in_pages(storage: Storage, ann: User) -> None:
    await make_rooms(storage.database, ROOMS_LIMIT + 5, [ann.id], public=True)
    first, after = await storage.rooms.public()
    assert (len(first), after) == (ROOMS_LIMIT, first[-1].name)
    rest, after = await storage.rooms.public(first[-1].name)
    assert (len(rest), after) == (6, None)
    assert [room.name for room in first + rest] == sorted(room.name for room in first + rest)
    assert await storage.rooms.public_room(first[0].room) == first[0]
    assert await storage.rooms.public_room(77_777) is None

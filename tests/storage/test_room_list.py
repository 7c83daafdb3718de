"""The rooms of a user who is in more of them than one welcome holds."""

import pytest

from chatserver.models import LOBBY, User
from chatserver.protocol import ROOMS_LIMIT
from tests.storage.conftest import Storage, draft
from tests.storage.crowded import make_rooms

MANY = ROOMS_LIMIT + 120


@pytest.fixture
async def ann(storage: Storage) -> User:
    return await storage.person("ann")


@pytest.fixture
async def bo(storage: Storage) -> User:
    return await storage.person("bo")


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


async def test_the_others_are_found_page_by_page_each_once(
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


async def test_who_is_in_few_rooms_gets_them_by_number(
    storage: Storage, ann: User, bo: User
) -> None:
    rooms = await make_rooms(storage.database, 3, [bo.id])
    found = await storage.rooms.for_user(bo.id)
    assert [state.room for state in found.states] == [LOBBY, *rooms]
    assert (found.more, list(found.heads)) == (False, [LOBBY, *rooms])
    assert await storage.rooms.page_after(ann.id, 0) == (
        (await storage.rooms.for_user(ann.id)).states,
        None,
    )


async def test_public_rooms_are_listed_page_by_page(storage: Storage, ann: User) -> None:
    await make_rooms(storage.database, ROOMS_LIMIT + 5, [ann.id], public=True)
    first, after = await storage.rooms.public()
    assert (len(first), after) == (ROOMS_LIMIT, first[-1].name)
    rest, after = await storage.rooms.public(first[-1].name)
    assert (len(rest), after) == (6, None)
    assert [room.name for room in first + rest] == sorted(room.name for room in first + rest)
    assert await storage.rooms.public_room(first[0].room) == first[0]
    assert await storage.rooms.public_room(77_777) is None

"""Somebody keeps every room in which there are people: never a bot, never a closed account."""

import asyncio

from chatserver.models import Create, Dismiss, Enrol, Event, Role, User
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, acted


async def keepers(storage: Storage, room: int) -> list[str]:
    return [one.name for one in await storage.rooms.members_of(room) if one.role == "admin"]


async def room_of(storage: Storage, maker: User, *others: User) -> int:
    act = Create("Plans", "plans", users=tuple((one.id, one.name) for one in others))
    made = await acted(storage, maker, act)
    assert isinstance(made, Event)
    return made.room


async def leave(storage: Storage, who: User, room: int) -> None:
    gone = await acted(storage, who, Dismiss("leave", ((who.id, who.name),)), room=room)
    assert isinstance(gone, Event)


async def robot(storage: Storage) -> User:
    new = NewUser("aaa", "Robot", "!", Role.BOT)
    return (await storage.bots.add(new, "digest", [], by=None))[0]


async def test_a_person_follows_and_neither_a_bot_nor_a_closed_account(storage: Storage) -> None:
    bot, ann, bo, cy = (
        await robot(storage),
        await storage.person("ann"),
        await storage.person("bo"),
        await storage.person("cy"),
    )
    room = await room_of(storage, ann, bot, bo, cy)
    await storage.disable(bo)
    await leave(storage, ann, room)
    assert await keepers(storage, room) == ["cy"]


async def test_the_event_by_which_the_last_keeper_leaves_names_the_next(storage: Storage) -> None:
    ann, bo, cy = [await storage.person(name) for name in ("ann", "bo", "cy")]
    room = await room_of(storage, ann, bo, cy)
    left = await acted(storage, cy, Dismiss("leave", ((cy.id, "cy"),)), room=room)
    assert isinstance(left, Event)
    assert left.change == {"action": "leave", "users": ["cy"]}
    left = await acted(storage, ann, Dismiss("leave", ((ann.id, "ann"),)), room=room)
    assert isinstance(left, Event)
    assert left.change == {"action": "leave", "users": ["ann"], "admins": ["bo"]}
    assert await keepers(storage, room) == ["bo"]


async def test_a_keeper_whose_account_is_closed_is_followed(storage: Storage) -> None:
    ann, bo, bot = await storage.person("ann"), await storage.person("bo"), await robot(storage)
    room = await room_of(storage, ann, bot, bo)
    await storage.disable(ann)
    assert await keepers(storage, room) == ["ann", "bo"]
    await storage.disable(bo)
    await storage.disable(ann, disabled=False)
    assert "ann" in await keepers(storage, room)


async def test_a_room_that_nobody_could_keep_gets_who_comes_next(storage: Storage) -> None:
    ann, bo, bot = await storage.person("ann"), await storage.person("bo"), await robot(storage)
    cy = await storage.person("cy")
    room = await room_of(storage, ann, bot, bo)
    await storage.disable(bo)
    await leave(storage, ann, room)
    assert await keepers(storage, room) == []
    joined = await acted(storage, cy, Enrol("join", ((cy.id, "cy"),)), room=room)
    assert isinstance(joined, Event)
    assert await keepers(storage, room) == ["cy"]


async def test_who_is_opened_again_keeps_a_room_that_nobody_keeps(storage: Storage) -> None:
    ann, bo = await storage.person("ann"), await storage.person("bo")
    room = await room_of(storage, ann, bo)
    await storage.disable(bo)
    await leave(storage, ann, room)
    await storage.disable(bo, disabled=False)
    assert await keepers(storage, room) == ["bo"]


async def test_the_lobby_and_direct_conversations_have_no_keeper(storage: Storage) -> None:
    ann, bo = await storage.person("ann"), await storage.person("bo")
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    await storage.disable(ann)
    for room in (1, facts.room):
        assert await keepers(storage, room) == []


async def test_of_two_keepers_who_are_closed_at_once_somebody_follows(storage: Storage) -> None:
    cy = await storage.person("cy")
    for number in range(10):
        ann = await storage.person(f"x{number}ann")
        bo = await storage.person(f"x{number}bo")
        act = Create("Plans", f"plans{number}", users=((bo.id, bo.name), (cy.id, "cy")))
        made = await acted(storage, ann, act)
        assert isinstance(made, Event)
        await asyncio.gather(leave(storage, ann, made.room), storage.disable(bo))
        assert (await keepers(storage, made.room))[-1:] != [bo.name]
        assert set(await keepers(storage, made.room)) & {"cy"}

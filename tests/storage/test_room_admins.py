"""Succession of room administrators, who are never bots or disabled accounts."""

import asyncio
from functools import partial

import pytest
from sqlalchemy.engine import Connection

from chatserver.models import AddMembers, Create, Event, RemoveMembers, Role, User
from chatserver.storage.members import member_row
from chatserver.storage.room_admins import successor
from chatserver.storage.tables import members, users
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, acted
from tests.storage.work import work_of


async def admins(storage: Storage, room: int) -> list[str]:
    return [one.name for one in await storage.rooms.members_of(room) if one.role == "admin"]


async def room_of(storage: Storage, maker: User, *others: User) -> int:
    act = Create("Plans", "plans", users=tuple((one.id, one.name) for one in others))
    made = await acted(storage, maker, act)
    assert isinstance(made, Event)
    return made.room


async def leave(storage: Storage, who: User, room: int) -> None:
    gone = await acted(storage, who, RemoveMembers("leave", ((who.id, who.name),)), room=room)
    assert isinstance(gone, Event)


async def add_bot(storage: Storage) -> User:
    new = NewUser("aaa", "Robot", "!", Role.BOT)
    return (await storage.bots.add(new, "digest", [], by=None))[0]


async def test_the_successor_is_neither_a_bot_nor_a_disabled_account(storage: Storage) -> None:
    bot, ann, bo, cy = (
        await add_bot(storage),
        await storage.user("ann"),
        await storage.user("bo"),
        await storage.user("cy"),
    )
    room = await room_of(storage, ann, bot, bo, cy)
    await storage.disable(bo)
    await leave(storage, ann, room)
    assert await admins(storage, room) == ["cy"]


async def test_the_leave_event_of_the_last_administrator_names_the_successor(
    storage: Storage,
) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    room = await room_of(storage, ann, bo, cy)
    left = await acted(storage, cy, RemoveMembers("leave", ((cy.id, "cy"),)), room=room)
    assert isinstance(left, Event)
    assert left.change == {"action": "leave", "users": ["cy"]}
    left = await acted(storage, ann, RemoveMembers("leave", ((ann.id, "ann"),)), room=room)
    assert isinstance(left, Event)
    assert left.change == {"action": "leave", "users": ["ann"], "admins": ["bo"]}
    assert await admins(storage, room) == ["bo"]


async def test_a_disabled_administrator_gets_a_successor(storage: Storage) -> None:
    ann, bo, bot = await storage.user("ann"), await storage.user("bo"), await add_bot(storage)
    room = await room_of(storage, ann, bot, bo)
    await storage.disable(ann)
    assert await admins(storage, room) == ["ann", "bo"]
    await storage.disable(bo)
    await storage.disable(ann, disabled=False)
    assert "ann" in await admins(storage, room)


async def test_a_room_without_candidates_gets_the_next_member_as_administrator(
    storage: Storage,
) -> None:
    ann, bo, bot = await storage.user("ann"), await storage.user("bo"), await add_bot(storage)
    cy = await storage.user("cy")
    room = await room_of(storage, ann, bot, bo)
    await storage.disable(bo)
    await leave(storage, ann, room)
    assert await admins(storage, room) == []
    joined = await acted(storage, cy, AddMembers("join", ((cy.id, "cy"),)), room=room)
    assert isinstance(joined, Event)
    assert await admins(storage, room) == ["cy"]


async def test_an_enabled_account_becomes_administrator_of_a_room_without_one(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = await room_of(storage, ann, bo)
    await storage.disable(bo)
    await leave(storage, ann, room)
    await storage.disable(bo, disabled=False)
    assert await admins(storage, room) == ["bo"]


async def test_the_lobby_and_direct_rooms_have_no_administrator(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    await storage.disable(ann)
    for room in (1, facts.room):
        assert await admins(storage, room) == []


async def test_two_administrators_disabled_concurrently_get_a_successor(storage: Storage) -> None:
    cy = await storage.user("cy")
    for number in range(10):
        ann = await storage.user(f"x{number}ann")
        bo = await storage.user(f"x{number}bo")
        act = Create("Plans", f"plans{number}", users=((bo.id, bo.name), (cy.id, "cy")))
        made = await acted(storage, ann, act)
        assert isinstance(made, Event)
        await asyncio.gather(leave(storage, ann, made.room), storage.disable(bo))
        assert (await admins(storage, made.room))[-1:] != [bo.name]
        assert set(await admins(storage, made.room)) & {"cy"}


@pytest.mark.parametrize("leaves", [False, True], ids=["one remains", "the last one leaves"])
async def test_a_successor_is_found_with_equal_work_in_rooms_of_any_size(
    storage: Storage, *, leaves: bool
) -> None:
    await storage.database.transaction(add_accounts)
    ann = await storage.user("ann")
    room = await room_of(storage, ann)
    find = partial(successor, room=room, without=[ann.id] if leaves else [])
    works = []
    for ids in (range(2, 22), range(22, 400)):
        await storage.database.transaction(partial(add_members, room=room, ids=ids))
        works.append(await storage.database.run_on_writer(partial(work_of, run=find)))
    assert works[1] < 1.5 * works[0]


def add_accounts(connection: Connection) -> None:
    values = {"display": "", "password_hash": "!", "role": "member", "locale": "", "created_at": 1}
    names = [{"id": i, "name": f"user{i}", "name_key": f"user{i}", **values} for i in range(2, 400)]
    connection.execute(users.insert(), names)


def add_members(connection: Connection, room: int, ids: range) -> None:
    """Half of them have left."""
    rows = [member_row(room, i, 1) | {"left_at": 1 if i % 2 else None} for i in ids]
    connection.execute(members.insert(), rows)

"""Unique names: taken and confusable names, and lookup of rooms by name."""

import pytest
import sqlalchemy as sa

from chatserver.errors import ChatError, Conflict, Forbidden, NotFound
from chatserver.models import Act, AddMembers, Change, Create, Event, Role, User, name_key
from chatserver.storage.tables import rooms, users
from chatserver.storage.unique_names import backfill_names
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, acted


async def make(storage: Storage, by: User, name: str | None, *, private: bool = False) -> int:
    """Create a room; return its id."""
    made = await acted(storage, by, Create(name or "Talk", name, private=private))
    assert isinstance(made, Event), made
    return made.room


async def refusal(storage: Storage, by: User, act: Act, room: int = 0) -> type:
    outcome = await acted(storage, by, act, room=room)
    assert isinstance(outcome, ChatError), outcome
    return type(outcome)


@pytest.mark.parametrize("other", ["аnn", "ANN", "a\ufe0fnn", "аNN", "ann"])
async def test_an_account_name_confusable_with_another_is_rejected(
    storage: Storage, other: str
) -> None:
    await storage.user("ann")
    for role in (Role.MEMBER, Role.BOT):
        with pytest.raises(Conflict):
            await storage.users.add(NewUser(other, other, "hash", role))
    with pytest.raises(Conflict):
        await storage.bots.add(NewUser(other, other, "!", Role.BOT), "digest", [], by=None)
    assert await storage.users.count() == 1


@pytest.mark.parametrize("written", ["bo", "bo ", "BO", " ｂｏ"])
async def test_an_account_is_found_by_any_spelling_of_its_name(
    storage: Storage, written: str
) -> None:
    bo = await storage.user("bo")
    found = await storage.users.find(written)
    assert found is not None
    assert found[0] == bo
    assert await storage.users.ids([name_key(written)]) == {"bo": (bo.id, "bo")}


async def test_names_of_private_rooms_are_available_to_nonmembers(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    secret = await make(storage, ann, "plans", private=True)
    public = await make(storage, bo, "plans")
    also_private = await make(storage, await storage.user("cy"), "budget", private=True)
    assert await make(storage, bo, "budget", private=True) != also_private
    assert await storage.rooms.find_by_name("plans", ann.id) == secret
    assert await storage.rooms.find_by_name("plans ", bo.id) == public
    assert await storage.rooms.find_by_name("#Plans", bo.id) == public
    assert await storage.rooms.find_by_name("budget", ann.id) is None


async def test_the_name_of_a_visible_room_is_taken(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await make(storage, ann, "plans", private=True)
    await make(storage, ann, "news")
    for by, name in ((ann, "plans"), (ann, "pIans"), (bo, "news"), (bo, "nеws"), (bo, "lоbby")):
        for private in (False, True):
            assert await refusal(storage, by, Create("Title", name, private=private)) is Conflict


async def test_a_newer_room_does_not_hide_an_older_one_of_the_same_name(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    secret = await make(storage, ann, "plans", private=True)
    await acted(storage, bo, Create("Mine", "plans", users=((ann.id, "ann"),)))
    assert await storage.rooms.find_by_name("plans", ann.id) == secret


async def test_a_room_keeps_its_name_when_it_becomes_private_or_public(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = await make(storage, ann, "plans", private=True)
    opened = Change("change", {"private": False})
    assert isinstance(await acted(storage, ann, opened, room=room), Event)
    assert [public.name for public in (await storage.rooms.public())[0]] == ["lobby", "plans"]
    assert await storage.rooms.find_by_name("plans", bo.id) == room
    closed = Change("change", {"private": True, "name": "secret"})
    assert isinstance(await acted(storage, ann, closed, room=room), Event)
    await make(storage, bo, "plans")
    assert await refusal(storage, ann, Change("change", {"name": "plans"}), room) is Conflict
    state = await storage.rooms.state(ann.id, room)
    assert state is not None
    assert (state.name, state.private) == ("secret", True)
    again = Change("change", {"private": True})
    assert isinstance(await acted(storage, ann, again, room=room), Event)


@pytest.mark.parametrize(
    "values", [{"private": False}, {"name": "plans"}, {"name": "plans", "private": False}]
)
async def test_an_unnamed_conversation_cannot_become_public(
    storage: Storage, values: dict[str, object]
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = (await acted(storage, ann, Create("Talk", users=((bo.id, "bo"),)))).room
    assert await refusal(storage, ann, Change("change", values), room) is Forbidden
    assert [public.room for public in (await storage.rooms.public())[0]] == [1]
    assert isinstance(await acted(storage, ann, Change("change", {"topic": "x"}), room=room), Event)


async def test_an_unnamed_conversation_made_public_by_an_older_version_is_private_again(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    room = await make(storage, ann, None)
    opened = rooms.update().where(rooms.c.id == room).values(private=False)
    await storage.database.transaction(lambda c: c.execute(opened))
    assert [public.room for public in (await storage.rooms.public())[0]] == [1]
    join = await acted(storage, bo, AddMembers("join", ((bo.id, "bo"),)), room=room)
    assert isinstance(join, NotFound)
    await storage.database.transaction(backfill_names)
    state = await storage.rooms.state(ann.id, room)
    assert state is not None
    assert state.private


@pytest.mark.parametrize("title", ["Lobby", "LОBBY", "大厅", "Foyer at home"])
async def test_the_title_of_the_lobby_is_reserved(storage: Storage, title: str) -> None:
    ann = await storage.user("ann", Role.ADMIN)
    renamed = Change("change", {"title": "Foyer at home"})
    assert isinstance(await acted(storage, ann, renamed, room=1), Event)
    assert await refusal(storage, ann, Create(title, "plans")) is Conflict
    room = await make(storage, ann, "plans")
    assert await refusal(storage, ann, Change("change", {"title": title}), room) is Conflict


async def test_names_of_older_versions_are_resolved_once(storage: Storage) -> None:
    ann = await storage.user("ann")
    room = await make(storage, ann, "plans", private=True)
    before = {"name": "plans", "private_name": None, "skeleton": None}
    await storage.database.transaction(
        lambda c: [
            c.execute(rooms.update().where(rooms.c.id == room).values(before)),
            c.execute(users.update().values(skeleton=None)),
        ]
    )
    for _ in range(2):
        await storage.database.transaction(backfill_names)
    row = await storage.database.transaction(
        lambda c: c.execute(sa.select(rooms).where(rooms.c.id == room)).one()
    )
    assert (row.name, row.private_name, row.skeleton) == (None, "plans", "plans")
    with pytest.raises(Conflict):
        await storage.user("аnn")

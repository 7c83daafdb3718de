"""Rooms as their members see them, and the one direct room of each pair."""

import asyncio

from chatserver.models import LOBBY, Event, Message, RoomKind
from tests.storage.conftest import Storage, draft, unresolved


async def test_every_account_belongs_to_the_lobby(storage: Storage) -> None:
    ann = await storage.person("ann")
    await storage.person("bo")
    (lobby,) = await storage.rooms.of(ann.id)
    assert (lobby.room, lobby.kind, lobby.name, lobby.members) == (LOBBY, "group", "lobby", 2)


async def test_what_was_said_before_one_came_counts_as_read(storage: Storage) -> None:
    ann = await storage.person("ann")
    await storage.log.store([draft(ann, "early")])
    bo = await storage.person("bo")
    await storage.log.store([draft(ann, "late"), draft(bo, "own")])
    (lobby,) = await storage.rooms.of(bo.id)
    assert (lobby.head, lobby.read, lobby.unread) == (3, 1, 1)
    assert lobby.last is not None
    assert (lobby.last.data, lobby.last.user) == ("own", "bo")


async def test_a_pair_has_one_room_whoever_asks_first(storage: Storage) -> None:
    ann, bo = await storage.person("ann"), await storage.person("bo")
    stored = await asyncio.gather(
        *(
            storage.log.store([unresolved(who, Message("hi"), to=to)])
            for who, to in ((ann, "bo"), (bo, "ann")) * 5
        )
    )
    said = [event for batch in stored for event in batch if isinstance(event, Event)]
    assert len({event.room for event in said}) == 1
    assert sorted(event.seq for event in said) == list(range(1, 11))
    assert {(event.user, event.to) for event in said} == {("ann", "bo"), ("bo", "ann")}
    (direct,) = [room for room in await storage.rooms.of(bo.id) if room.kind is RoomKind.DIRECT]
    assert (direct.to, direct.title, direct.members) == ("ann", "Ann", 2)


async def test_a_room_of_ones_own_has_one_member(storage: Storage) -> None:
    ann = await storage.person("ann")
    facts = await storage.direct((ann.id, "ann"), (ann.id, "ann"))
    await storage.log.store([draft(ann, "note", room=facts.room)])
    own = (await storage.rooms.of(ann.id))[1]
    assert (own.to, own.members, own.unread) == ("ann", 1, 0)


async def test_only_members_may_read(storage: Storage) -> None:
    ann, bo, cy = [await storage.person(name) for name in ("ann", "bo", "cy")]
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    readable = await storage.rooms.readable(cy.id, [LOBBY, facts.room, 77])
    assert list(readable) == [LOBBY]
    readable = await storage.rooms.readable(ann.id, [LOBBY, facts.room, 77])
    assert readable[facts.room].facts == facts

"""Rooms as their members see them, and the direct room of each pair."""

import asyncio

import pytest
import sqlalchemy as sa

from chatserver.models import (
    LOBBY,
    AddMembers,
    Create,
    Event,
    Post,
    RemoveMembers,
    RoomKind,
)
from chatserver.protocol import PREVIEW_CHARS
from chatserver.storage import bulk
from chatserver.storage.unread import MAX_COUNT
from tests.storage.conftest import Storage, acted, acting, draft, unresolved


async def test_every_account_is_a_member_of_the_lobby(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.user("bo")
    (lobby,) = (await storage.rooms.for_user(ann.id)).states
    assert (lobby.room, lobby.kind, lobby.name, lobby.members) == (LOBBY, "group", "lobby", 2)


async def test_messages_from_before_the_membership_are_read(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "early")])
    bo = await storage.user("bo")
    await storage.log.store([draft(ann, "late"), draft(bo, "own")])
    (lobby,) = (await storage.rooms.for_user(bo.id)).states
    assert (lobby.head, lobby.read, lobby.unread) == (3, 1, 1)
    assert lobby.last is not None
    assert (lobby.last.data, lobby.last.user) == ("own", "bo")


async def test_a_pair_has_one_direct_room_whoever_writes_first(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    stored = await asyncio.gather(
        *(
            storage.log.store([unresolved(who, Post("hi"), to=to)])
            for who, to in ((ann, "bo"), (bo, "ann")) * 5
        )
    )
    said = [event for batch in stored for event in batch if isinstance(event, Event)]
    assert len({event.room for event in said}) == 1
    assert sorted(event.seq for event in said) == list(range(1, 11))
    assert {(event.user, event.to) for event in said} == {("ann", "bo"), ("bo", "ann")}
    (direct,) = [
        room
        for room in (await storage.rooms.for_user(bo.id)).states
        if room.kind is RoomKind.DIRECT
    ]
    assert (direct.to, direct.title, direct.members) == ("ann", "Ann", 2)


async def test_a_direct_room_with_oneself_has_one_member(storage: Storage) -> None:
    ann = await storage.user("ann")
    facts = await storage.direct((ann.id, "ann"), (ann.id, "ann"))
    await storage.log.store([draft(ann, "note", room=facts.room)])
    own = (await storage.rooms.for_user(ann.id)).states[1]
    assert (own.to, own.members, own.unread) == ("ann", 1, 0)


async def test_unread_messages_are_counted_up_to_a_thousand(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await storage.log.store(
        [acting(ann, Post("hi", mentions=("bo", "all"))) for _ in range(MAX_COUNT)]
    )
    (lobby,) = (await storage.rooms.for_user(bo.id)).states
    assert (lobby.unread, lobby.mentions) == (MAX_COUNT, MAX_COUNT)
    await storage.log.store([acting(ann, Post("hi", mentions=("bo",))) for _ in range(10)])
    (lobby,) = (await storage.rooms.for_user(bo.id)).states
    assert (lobby.head, lobby.unread, lobby.mentions) == (MAX_COUNT + 10, MAX_COUNT, MAX_COUNT)
    (own,) = (await storage.rooms.for_user(ann.id)).states
    assert (own.unread, own.mentions) == (0, 0)


async def test_each_user_has_counts_of_their_own(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    await storage.log.store(
        [draft(ann, "hi"), draft(bo, "hi"), acting(bo, Post("hi", mentions=("ann",)))]
    )
    await storage.rooms.advance_reads({(cy.id, LOBBY): 2, (bo.id, LOBBY): 3})
    found = await asyncio.gather(*(storage.rooms.for_user(user.id) for user in (ann, bo, cy)))
    counts = [(one.states[0].unread, one.states[0].mentions, one.states[0].read) for one in found]
    assert counts == [(2, 1, 0), (0, 0, 3), (1, 0, 2)]
    states = await storage.rooms.states([ann.id, cy.id], LOBBY)
    assert {user: state.unread for user, state in states.items()} == {ann.id: 2, cy.id: 1}


async def test_positions_only_move_forward_up_to_the_head_and_for_members_only(
    storage: Storage,
) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await storage.log.store([draft(ann, "hi") for _ in range(5)])
    asked = {(ann.id, LOBBY): 3, (bo.id, LOBBY): 99, (bo.id, 77): 1, (99, LOBBY): 1}
    moved = await storage.rooms.advance_reads(asked)
    assert [(one.user_id, one.room, one.seq) for one in moved] == [
        (ann.id, LOBBY, 3),
        (bo.id, LOBBY, 5),
    ]
    assert await storage.rooms.advance_reads({(ann.id, LOBBY): 2, (bo.id, LOBBY): 5}) == []
    (lobby,) = (await storage.rooms.for_user(ann.id)).states
    assert lobby.read == 3


async def test_marking_a_room_returns_the_read_position(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await storage.log.store([draft(ann, "hi")])
    await storage.rooms.advance_reads({(bo.id, LOBBY): 1})
    assert await storage.rooms.mark(bo.id, LOBBY, muted=True) == 1
    assert await storage.rooms.mark(bo.id, LOBBY, favorite=True, notify="nothing") == 1
    (lobby,) = (await storage.rooms.for_user(bo.id)).states
    assert (lobby.muted, lobby.favorite, lobby.notify) == (True, True, "nothing")
    assert not (await storage.rooms.for_user(ann.id)).states[0].favorite
    assert await storage.rooms.mark(bo.id, 77, muted=True) is None


async def test_a_preview_of_the_last_message_is_short(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "你" * 4_000)])
    (lobby,) = (await storage.rooms.for_user(ann.id)).states
    assert lobby.last is not None
    assert lobby.last.data == "你" * PREVIEW_CHARS


async def test_only_members_can_read_a_room(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    facts = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    readable = await storage.rooms.readable(cy.id, [LOBBY, facts.room, 77])
    assert list(readable) == [LOBBY]
    readable = await storage.rooms.readable(ann.id, [LOBBY, facts.room, 77])
    assert readable[facts.room].facts == facts


async def test_rooms_are_looked_up_a_few_in_a_statement(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "KEYS_PER_STATEMENT", 2)
    ann, bo = await storage.user("ann"), await storage.user("bo")
    await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    for number in range(4):
        await acted(storage, (ann, bo)[number % 2], Create(f"R{number}", f"r{number}"))
    numbers = [*range(7, 0, -1)]
    facts = await storage.rooms.facts(numbers)
    readable = await storage.rooms.readable(ann.id, numbers)
    assert [*facts] == [1, 2, 3, 4, 5, 6]
    assert {room: access.facts for room, access in readable.items()} == {
        room: facts[room] for room in (1, 2, 3, 5)
    }
    assert (await storage.rooms.facts([]), await storage.rooms.readable(ann.id, [])) == ({}, {})


async def test_the_last_change_of_each_membership_is_found(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    both = ((bo.id, bo.name), (cy.id, cy.name))
    room = (await acted(storage, ann, Create("Plans", "plans", users=both))).room
    await acted(storage, ann, RemoveMembers("remove", both), room=room)
    assert await storage.rooms.membership_changes(room, 1) == {bo.id: 2, cy.id: 2}
    await acted(storage, ann, AddMembers("invite", both[:1]), room=room)
    changes = [await storage.rooms.membership_changes(room, seq) for seq in (0, 1, 2, 3)]
    assert changes == [{ann.id: 1, bo.id: 3, cy.id: 2}, {bo.id: 3, cy.id: 2}, {bo.id: 3}, {}]
    direct = (await storage.direct((ann.id, "ann"), (bo.id, "bo"))).room
    assert await storage.rooms.membership_changes(direct, 0) == {}


async def test_the_members_of_a_room_are_not_read_for_a_gap_of_messages(storage: Storage) -> None:
    ann = await storage.user("ann")
    await storage.log.store([draft(ann, "hello") for _ in range(3)])
    read: list[str] = []

    def keep(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        read.append(statement)

    for reader in storage.database.readers.values():
        sa.event.listen(reader.sync_engine, "before_cursor_execute", keep)
    assert await storage.rooms.membership_changes(LOBBY, 0) == {}
    assert read
    assert not any("FROM members" in statement for statement in read)

"""Erasure of memberships and messages of a deleted account, on both databases."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.accounts import erasure
from chatserver.models import Draft
from chatserver.protocol import Type
from chatserver.storage import credentials, room_admins, throttling
from chatserver.storage.account_deletion import remaining_memberships
from chatserver.storage.apply_message import Outcome
from chatserver.storage.tables import events, mentions, reactions
from tests.conftest import StartChat
from tests.driver import Chat, User
from tests.storage.crowded import make_rooms


@pytest.fixture
async def chat(start_chat: StartChat, database_url: str) -> Chat:
    return await start_chat(url=database_url)


async def test_messages_are_deleted_with_the_account_of_their_author(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BATCH_SIZE", 3)
    ann, bo, cy = (
        await chat.user("ann", admin=True),
        await chat.user("bo"),
        await chat.user("cy"),
    )
    rooms = [
        (await bo.ask("POST", "/api/rooms", {"name": name, "users": ["ann", "cy"]})).json["room"]
        for name in ("left", "archived")
    ]
    device = await bo.connect()
    for room in (1, *rooms):
        for number in range(4):
            await device.say(f"@ann secret {number}", room=room)
    await device.say("secret too", to="ann")
    cys = await cy.connect()
    await cys.say("kept")
    await ann.ask("PUT", "/api/rooms/1/messages/1/reactions/👍")
    await bo.ask("DELETE", f"/api/rooms/{rooms[0]}/members/bo")
    await ann.ask("DELETE", f"/api/rooms/{rooms[0]}/members/cy")
    await ann.ask("PATCH", f"/api/rooms/{rooms[1]}", {"archived": True})
    anns = await ann.connect()
    answer = await ann.ask("DELETE", "/api/users/bo?messages=true")
    assert answer.json == {"ok": 1, "messages": 13}
    deleted = [await anns.next(Type.DELETE) for _ in range(13)]
    assert {one["user"] for one in deleted} == {"bo"}
    assert len({(one["room"], one["target"]) for one in deleted}) == 13
    heard = [(await cys.next(Type.DELETE))["room"] for _ in range(8)]
    assert sorted({*heard}) == [1, rooms[1]]  # a removed member receives no deletions
    async with chat.server.database.reading() as connection:
        texts = await connection.scalars(sa.select(events.c.body).where(events.c.body != ""))
        assert [text for text in texts if "secret" in text or text == "kept"] == ["kept"]
        for table in (mentions, reactions):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    for word, count in (("secret", 0), ("kept", 1)):
        assert len((await ann.ask("GET", f"/api/search?q={word}")).json["hits"]) == count
    again = await ann.ask("DELETE", "/api/users/bo?messages=true")
    assert again.json == {"ok": 1, "messages": 0}


async def test_every_commit_of_an_erasure_is_followed_by_an_equally_long_pause(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = await chat.user("ann", admin=True), await chat.user("bo")
    device = await bo.connect()
    for number in range(2 * erasure.BATCH_SIZE + 1):
        await device.say(f"secret {number}")
    seconds, pauses = iter([1.0, 3.0, 10.0, 10.5, 20.0, 21.0]), []

    async def pause(length: float) -> None:
        pauses.append(length)

    monkeypatch.setattr(throttling, "asyncio", SimpleNamespace(sleep=pause))
    monkeypatch.setattr(throttling, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    await ann.ask("DELETE", "/api/users/bo?messages=true")
    assert pauses == [2.0, 0.5, 1.0]


async def with_rooms(chat: Chat, count: int) -> tuple[User, User, list[int]]:
    """Create the administrator ann, and bo, in rooms without an administrator."""
    ann, bo = await chat.user("ann", admin=True), await chat.user("bo")
    return ann, bo, await make_rooms(chat.server.database, count, [bo.number, ann.number])


async def members_left(chat: Chat, user: User) -> list[tuple[int, str, int]]:
    return await remaining_memberships(chat.server.database, user.number)


async def test_a_deleted_account_leaves_a_few_rooms_per_commit(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo, rooms = await with_rooms(chat, 2 * erasure.ROOMS_PER_COMMIT + 1)
    device = await ann.connect()
    sizes, store = [], chat.server.log.store

    async def counted(drafts: Sequence[Draft]) -> list[Outcome]:
        sizes.append(len(drafts))
        return await store(drafts)

    monkeypatch.setattr(chat.server.log, "store", counted)
    assert (await ann.ask("DELETE", "/api/users/bo")).json == {"ok": 1}
    assert max(sizes) <= erasure.ROOMS_PER_COMMIT
    left = [await device.next(Type.ROOM) for _ in rooms]
    assert [one["room"] for one in left] == rooms
    assert {(one["action"], one["user"], *one["admins"]) for one in left} == {
        ("leave", "bo", "ann")
    }
    assert await members_left(chat, bo) == []


async def test_memberships_that_an_interrupted_deletion_left_are_ended_later(chat: Chat) -> None:
    ann, bo, rooms = await with_rooms(chat, 2)
    device = await ann.connect()
    await chat.server.administration.delete(None, "bo")  # and the server is killed
    assert [room for *_, room in await members_left(chat, bo)] == rooms
    assert (await bo.ask("GET", "/api/me")).status == 401
    assert (await ann.ask("POST", "/api/rooms", {"name": "new", "users": ["bo"]})).status == 404
    after_the_start = asyncio.create_task(chat.server.erasure.run())
    assert [(await device.next(Type.ROOM))["room"] for _ in rooms] == rooms
    assert await members_left(chat, bo) == []
    after_the_start.cancel()


async def test_memberships_that_an_interrupted_deletion_left_are_ended_by_repeating_it(
    chat: Chat,
) -> None:
    ann, bo, _rooms = await with_rooms(chat, 2)
    await chat.server.administration.delete(None, "bo")
    assert (await ann.ask("DELETE", "/api/users/bo")).status == 200
    assert await members_left(chat, bo) == []


async def test_successors_of_a_disabled_account_are_set_in_a_few_rooms_per_transaction(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _bo, rooms = await with_rooms(chat, 2 * credentials.ROOMS_PER_COMMIT + 1)
    sizes, ensure = [], room_admins.ensure_admins

    def counted(connection: Connection, some: list[int]) -> set[int]:
        sizes.append(len(some))
        return ensure(connection, some)

    monkeypatch.setattr(credentials, "ensure_admins", counted)
    assert (await ann.ask("PATCH", "/api/users/bo", {"disabled": True})).status == 200
    assert sizes == [credentials.ROOMS_PER_COMMIT] * 2 + [1]
    for room in (rooms[0], rooms[-1]):
        shown = (await ann.ask("GET", f"/api/rooms/{room}/members")).json["members"]
        assert {one["name"]: one["role"] for one in shown} == {"ann": "admin", "bo": "member"}

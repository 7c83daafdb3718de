"""All messages of a user are deleted with the account, in every room and on both databases."""

import asyncio
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from chatserver.accounts import erasure
from chatserver.storage.tables import events, mentions, reactions
from tests.conftest import StartChat
from tests.driver import Chat


@pytest.fixture
async def chat(start_chat: StartChat, database_url: str) -> Chat:
    return await start_chat(url=database_url)


async def test_messages_are_deleted_with_the_account_of_their_author(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "BATCH_SIZE", 3)
    ann, bo, cy = (
        await chat.person("ann", admin=True),
        await chat.person("bo"),
        await chat.person("cy"),
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
    deleted = [await anns.next(11) for _ in range(13)]
    assert {one["user"] for one in deleted} == {"bo"}
    assert len({(one["room"], one["target"]) for one in deleted}) == 13
    heard = [(await cys.next(11))["room"] for _ in range(8)]
    assert sorted({*heard}) == [1, rooms[1]]  # a removed member learns nothing of the deletions
    async with chat.server.database.reading() as connection:
        texts = await connection.scalars(sa.select(events.c.body).where(events.c.body != ""))
        assert [text for text in texts if "secret" in text or text == "kept"] == ["kept"]
        for table in (mentions, reactions):
            assert await connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    for word, count in (("secret", 0), ("kept", 1)):
        assert len((await ann.ask("GET", f"/api/search?q={word}")).json["hits"]) == count
    again = await ann.ask("DELETE", "/api/users/bo?messages=true")
    assert again.json == {"ok": 1, "messages": 0}


async def test_every_commit_of_an_erasure_is_followed_by_a_pause_as_long(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bo = await chat.person("ann", admin=True), await chat.person("bo")
    device = await bo.connect()
    for number in range(2 * erasure.BATCH_SIZE + 1):
        await device.say(f"secret {number}")
    seconds, pauses = iter([1.0, 3.0, 10.0, 10.5, 20.0, 21.0]), []

    async def pause(length: float) -> None:
        pauses.append(length)

    faked = SimpleNamespace(gather=asyncio.gather, sleep=pause)
    monkeypatch.setattr(erasure, "asyncio", faked)
    monkeypatch.setattr(erasure, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    await ann.ask("DELETE", "/api/users/bo?messages=true")
    assert pauses == [2.0, 0.5, 1.0]

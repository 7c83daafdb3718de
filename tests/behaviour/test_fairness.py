"""Fairness: concurrent requests of one member do not delay others."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from chatserver.storage.readers import QUOTAS, Share
from chatserver.storage.search import Search, SearchPage
from tests.conftest import StartChat
from tests.driver import Chat, User


async def test_searches_of_one_member_run_one_after_another(
    chat: Chat, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: dict[int, int] = {}
    most: dict[int, int] = {}

    async def find(_self: Search, user_id: int, *_query: object, **_page: object) -> SearchPage:
        running[user_id] = running.get(user_id, 0) + 1
        most[user_id] = max(most.get(user_id, 0), running[user_id])
        await asyncio.sleep(0)
        running[user_id] -= 1
        return SearchPage([], False, None)

    monkeypatch.setattr(Search, "find", find)
    asked = [user.ask("GET", "/api/search?q=tea") for user in (ann, bo) for _ in range(50)]
    assert {answer.status for answer in await asyncio.gather(*asked)} == {200}
    assert most == {ann.number: 1, bo.number: 1}


@pytest.mark.parametrize("share", [Share.HISTORY, Share.LISTS, Share.HEAVY])
async def test_an_exhausted_share_does_not_block_logins_and_messages(
    start_chat: StartChat, database_url: str, share: Share
) -> None:
    chat = await start_chat(url=database_url)
    ann, bo = await chat.user("ann"), await chat.user("bo")
    anns = await ann.connect()
    async with AsyncExitStack() as held:
        for _ in range(QUOTAS[share].connections):
            await held.enter_async_context(chat.server.database.reading(share))
        assert (await bo.ask("GET", "/api/me")).status == 200
        assert (await anns.say("hello"))["ok"] is True
    assert (await bo.ask("GET", "/api/search?q=hello")).json["hits"][0]["data"] == "hello"

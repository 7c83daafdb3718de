"""Lists of any length: complete, in pages, by names or by prefix."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession, web
from aiohttp.typedefs import Handler

from chatserver.web import streaming
from chatserver.web.listing import PAGE_ENTRIES, first_entries, stream_pages, stream_query
from tests.conftest import StartChat
from tests.driver import Chat, User

NAMES = [f"u{number:04}" for number in range(2 * PAGE_ENTRIES + 3)]


async def read_list(names: list[str]) -> Any:
    """Return the response for a list of these names."""

    async def page(after: str, limit: int) -> list[dict[str, Any]]:
        return [{"name": name} for name in names if name > after][:limit]

    async def serve(request: web.Request) -> web.StreamResponse:
        return await stream_query(request, "users", page)

    return await response_of(serve)


async def response_of(serve: Handler) -> Any:
    """Return the JSON that a handler sends."""
    app = web.Application()
    app.router.add_get("/", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    async with ClientSession() as http, http.get(f"http://{host}:{port}/") as answer:
        whole = await answer.json()
    await runner.cleanup()
    return whole


@pytest.mark.parametrize(
    "count",
    [
        0,
        1,
        PAGE_ENTRIES - 1,
        PAGE_ENTRIES,
        PAGE_ENTRIES + 1,
        2 * PAGE_ENTRIES,
        2 * PAGE_ENTRIES + 3,
    ],
)
async def test_a_list_of_any_length_is_one_json_object(count: int) -> None:
    names = NAMES[:count]
    assert await read_list(names) == {"ok": 1, "users": [{"name": name} for name in names]}


async def test_a_snapshot_is_read_completely_while_its_client_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds a connection to the database, which others need."""
    read, sent = asyncio.Event(), asyncio.Event()

    async def snapshot() -> AsyncGenerator[list[dict[str, Any]]]:
        for _ in range(5):
            yield [{"name": name} for name in NAMES[:PAGE_ENTRIES]]
        read.set()

    async def send_after_all_is_read(response: web.StreamResponse, piece: bytes) -> None:
        async with asyncio.timeout(10):
            await read.wait()
        await response.write(piece)
        sent.set()

    async def serve(request: web.Request) -> web.StreamResponse:
        return await stream_pages(request, "members", snapshot(), spool=tmp_path)

    monkeypatch.setattr(streaming, "_send", send_after_all_is_read)
    assert len((await response_of(serve))["members"]) == 5 * PAGE_ENTRIES
    assert sent.is_set()


@pytest.mark.parametrize(
    "limit", [1, PAGE_ENTRIES, PAGE_ENTRIES + 1, 2 * PAGE_ENTRIES + 1, 3 * PAGE_ENTRIES]
)
async def test_a_limited_list_is_read_in_pages(limit: int) -> None:
    sizes = []

    async def page(after: str, size: int) -> list[dict[str, Any]]:
        sizes.append(size)
        return [{"name": name} for name in NAMES if name > after][:size]

    found = await first_entries(page, NAMES[0], limit)
    assert [one["name"] for one in found] == NAMES[1:][:limit]
    assert max(sizes) <= PAGE_ENTRIES


@pytest_asyncio.fixture
async def ann(start_chat: StartChat) -> User:
    chat: Chat = await start_chat()
    for name in ("ann", "Bo", "cy", "李明"):
        await chat.user(name)
    return await chat.logged_in("ann")


async def names_of(user: User, query: str) -> tuple[list[str], bool | None]:
    answer = (await user.ask("GET", f"/api/users{query}")).json
    return [one["name"] for one in answer["users"]], answer.get("more")


async def test_accounts_are_listed_completely_in_pages_by_prefix_or_by_name(ann: User) -> None:
    assert await names_of(ann, "") == (["ann", "Bo", "cy", "李明"], None)
    assert await names_of(ann, "?limit=2") == (["ann", "Bo"], True)
    assert await names_of(ann, "?limit=2&after=BO") == (["cy", "李明"], False)
    assert await names_of(ann, "?q=b") == (["Bo"], None)
    assert await names_of(ann, "?q=B&limit=5") == (["Bo"], False)
    assert await names_of(ann, "?q=李&limit=5") == (["李明"], False)
    assert await names_of(ann, "?q=%25") == ([], None)
    assert await names_of(ann, "?names=BO,nobody,李明") == (["Bo", "李明"], None)


@pytest.mark.parametrize("query", ["?limit=0", "?limit=1001", "?limit=x", f"?q={'x' * 200}"])
async def test_invalid_page_parameters_are_rejected(ann: User, query: str) -> None:
    assert (await ann.ask("GET", f"/api/users{query}")).status == 400


ENDS: dict[str, tuple[str, dict[str, object]]] = {
    "the account is disabled": ("/api/users", {"disabled": True}),
    "an administrator is disabled": ("/api/admin/people", {"disabled": True}),
    "an administrator becomes a member": ("/api/admin/people", {"admin": False}),
}


@pytest.mark.parametrize(("path", "change"), ENDS.values(), ids=ENDS)
async def test_a_list_ends_when_the_session_or_the_right_ends(
    start_chat: StartChat,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    change: dict[str, object],
) -> None:
    chat = await start_chat()
    ann, cy = await chat.user("ann", admin=True), await chat.user("cy", admin=True)
    monkeypatch.setattr("chatserver.web.listing.PAGE_ENTRIES", 1)
    sent: list[bytes] = []
    original = streaming._send

    async def send(response: web.StreamResponse, piece: bytes) -> None:
        await original(response, piece)
        sent.append(piece)
        if len(sent) == 2:
            assert (await ann.ask("PATCH", "/api/users/cy", change)).status == 200

    monkeypatch.setattr(streaming, "_send", send)
    with pytest.raises(ClientError):
        await cy.ask("GET", path)
    assert len(sent) == 2
    assert b'"ann"' in sent[1]

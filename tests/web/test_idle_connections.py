"""Idle HTTP connections: time limit and maximum number."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from chatserver.web import aiohttp_internals
from chatserver.web.aiohttp_internals import HttpConnection, Listener
from chatserver.web.idle_connections import IdleConnections
from chatserver.web.websocket.endpoint import WebSocketEndpoint
from tests.conftest import StartChat
from tests.driver import Chat, User
from tests.hostile.raw_connection import CLOSE, RawConnection

LARGE = 8_000_000  # bytes, more than the system buffers
ASKED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

Start = Callable[[int], Awaitable[tuple[str, IdleConnections]]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Start a server that allows so many idle connections; return its URL, and them."""
    runners = []

    async def hello(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.query.get("size", "1")))

    async def started(most: int) -> tuple[str, IdleConnections]:
        app = web.Application()
        app.router.add_get("/", hello)
        runner = web.AppRunner(app, keepalive_timeout=60.0)
        runners.append(runner)
        await runner.setup()
        idle = IdleConnections(most)
        await Listener(runner, "127.0.0.1", 0, idle=idle, tls=None).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}", idle

    yield started
    for runner in runners:
        await runner.cleanup()


async def is_closed(line: RawConnection) -> bool:
    return await line.rest() == b""


@pytest.mark.parametrize("sent", [b"", b"GET", ASKED[:-2]], ids=["nothing", "a word", "half"])
async def test_a_connection_without_a_request_is_closed(
    start: Start, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(aiohttp_internals, "HEAD_TIMEOUT", 0.05)
    url, idle = await start(9)
    async with await RawConnection.to(url) as line:
        await line.send(sent)
        assert await is_closed(line)
    assert len(idle) == 0


async def test_a_connection_with_a_timely_request_stays_open(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiohttp_internals, "HEAD_TIMEOUT", 0.2)
    url, idle = await start(9)
    async with await RawConnection.to(url) as line:
        await line.send(ASKED)
        assert b"200" in await line.head_of_answer()
        assert await line.rest(0.4) == b"x"
        await line.send(ASKED)
        assert b"200" in await line.head_of_answer()
        assert len(idle) == 1


async def test_a_new_connection_above_the_limit_evicts_the_longest_idle_one(start: Start) -> None:
    url, idle = await start(2)
    async with await RawConnection.to(url) as first, await RawConnection.to(url) as second:
        await first.send(ASKED)
        await first.head_of_answer()  # so the second is idle for longer
        async with await RawConnection.to(url) as third:
            assert await is_closed(second)
            for line in (first, third):
                await line.send(ASKED)
                assert b"200" in await line.head_of_answer()
            assert len(idle) == 2


def test_the_address_with_the_most_idle_connections_loses_one() -> None:
    closed: list[str] = []

    class Idle:
        def __init__(self, name: str, address: str) -> None:
            self.name, self.address = name, address

        def abort(self) -> None:
            closed.append(self.name)

    idle = IdleConnections(3)
    for name, address in (("a", "ann"), ("b", "eve"), ("c", "eve"), ("d", "eve"), ("e", "bo")):
        connection: Any = Idle(name, address)
        idle.add(connection)
    assert closed == ["b", "c"]
    assert len(idle) == 3


async def test_a_peer_that_does_not_read_its_response_is_disconnected(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiohttp_internals, "WRITE_TIMEOUT", 0.05)
    ended = asyncio.Event()
    lost = HttpConnection.connection_lost

    def connection_lost(self: HttpConnection, exc: BaseException | None) -> None:
        lost(self, exc)
        ended.set()

    monkeypatch.setattr(HttpConnection, "connection_lost", connection_lost)
    url, idle = await start(9)
    async with await RawConnection.to(url) as line:
        line._reader._transport.pause_reading()  # type: ignore[attr-defined]
        await line.send(f"GET /?size={LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(5):
            await ended.wait()
    assert len(idle) == 0


# Rejected upgrades -------------------------------------------------------------------------------


async def test_failed_upgrades_do_not_count_for_the_limit_of_their_address(
    start_chat: StartChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.web.websocket.endpoint.HANDSHAKE_TIMEOUT", 0)
    chat = await start_chat()
    ann = await chat.user("ann")
    chat.server.websocket._handshakes._limit = 2
    lines = [
        await RawConnection.opened(chat.url, "wrong") for _ in range(5)
    ]  # and none of them closes
    assert all(b" 101 " in line.head for line in lines)
    assert (await ann.connect()).welcome["user"] == "ann"
    for line in lines:
        await line.__aexit__()


async def test_the_number_of_rejected_connections_that_linger_is_limited(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.web.websocket.endpoint.MAX_REJECTED", 2)
    lines = [await RawConnection.opened(chat.url, "wrong") for _ in range(3)]
    socket: WebSocketEndpoint = chat.server.websocket
    assert len(socket._rejected) == 2
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while (await lines[0].frame())[0] != CLOSE:
            pass
    assert await is_closed(lines[0])
    for line in lines:
        await line.__aexit__()

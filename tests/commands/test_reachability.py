"""Checks of the doctor for proxies and the public URL."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from chatserver.commands.findings import Finding
from chatserver.commands.reachability import _unreached, configured, links, reached
from chatserver.config import ServerSettings, Settings
from chatserver.tls import server_context
from tests.driver import Chat
from tests.test_tls import make_certificate

Proxy = Callable[[dict[str, str | None]], Awaitable[str]]


@pytest.mark.parametrize(
    ("server", "sound"),
    [
        (ServerSettings(), True),
        (ServerSettings(public_url="http://chat.example"), True),
        (ServerSettings(public_url="https://chat.example"), False),
        (ServerSettings(public_url="https://chat.example", trusted_proxies=["::1"]), True),
        (ServerSettings(public_url="https://chat.example", tls_cert="c", tls_key="k"), True),
        (ServerSettings(public_url="http://chat.example", tls_cert="c", tls_key="k"), False),
    ],
)
def test_contradictory_settings_are_reported(server: ServerSettings, sound: bool) -> None:
    assert all(fine for fine, _ in configured(Settings(server=server))) is sound


@pytest_asyncio.fixture
async def proxy(chat: Chat) -> AsyncIterator[Proxy]:
    """Yield a function that starts a proxy; None removes a header. It returns the URL."""
    runners: list[web.AppRunner] = []

    async def start(changes: dict[str, str | None]) -> str:
        async def pass_on(request: web.Request) -> web.StreamResponse:
            headers = {k: v for k, v in request.headers.items() if changes.get(k, v) is not None}
            headers |= {name: value for name, value in changes.items() if value is not None}
            upgrade = headers.get("Upgrade", "") == "websocket"
            async with (
                aiohttp.ClientSession(auto_decompress=False) as http,
                http.request(request.method, chat.url + request.path_qs, headers=headers) as answer,
            ):
                if answer.status == 101 and upgrade:
                    socket = web.WebSocketResponse()
                    await socket.prepare(request)
                    return socket
                kept = {k: v for k, v in answer.headers.items() if k.startswith("Strict")}
                return web.Response(status=answer.status, headers=kept)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def findings(url: str) -> list[Finding]:
    settings = Settings(server=ServerSettings(public_url=url, trusted_proxies=["::1"]))
    return [finding async for finding in reached(settings)]


async def test_a_transparent_proxy_passes(proxy: Proxy) -> None:
    found = await findings(await proxy({}))
    assert [fine for fine, _ in found] == [True, True], found
    assert "WebSockets pass" in found[1][1]


async def test_a_proxy_that_changes_the_host_is_reported(proxy: Proxy) -> None:
    found = await findings(await proxy({"Host": "inner:3000"}))
    assert [fine for fine, _ in found] == [False, False], found


async def test_a_proxy_that_removes_the_upgrade_is_reported(proxy: Proxy) -> None:
    found = await findings(await proxy({"Upgrade": None, "Connection": None}))
    assert [fine for fine, _ in found] == [True, False], found
    assert "WebSockets do not pass (400)" in found[1][1]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:9", "Connection refused"),
        ("https://name.invalid", "its name does not resolve"),
    ],
)
async def test_an_unreachable_address_fails(url: str, reason: str) -> None:
    assert await findings(url) == [(False, f"{url}: cannot be reached: {reason}")]


async def test_an_invalid_certificate_fails(tmp_path: Path) -> None:
    tls = server_context(make_certificate(tmp_path))
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=tls)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        ((fine, text),) = await findings(f"https://127.0.0.1:{port}")
    assert fine is False
    assert "its certificate is not valid" in text


@pytest.mark.parametrize(
    ("error", "judged"),
    [
        (aiohttp.ConnectionTimeoutError(), None),
        (TimeoutError(), None),
        (OSError(errno.ENETUNREACH, ""), None),
        (OSError(errno.EHOSTUNREACH, ""), None),
        (aiohttp.SocketTimeoutError(), False),
        (aiohttp.ServerDisconnectedError(), False),
        (ConnectionResetError(errno.ECONNRESET, ""), False),
    ],
)
def test_only_a_missing_route_from_this_machine_is_a_warning(
    error: Exception, judged: bool | None
) -> None:
    assert _unreached("https://chat.example", error)[0] is judged


@pytest.mark.parametrize(
    ("server", "sound", "text"),
    [
        (ServerSettings(), None, "no address for other devices is known"),
        (ServerSettings(host="0.0.0.0"), True, "http://10.0.0.5:"),
        (ServerSettings(public_url="http://localhost:3000"), False, "server.public_url"),
        (ServerSettings(public_url="https://chat.example"), True, "https://chat.example"),
    ],
)
def test_the_url_of_links_is_reported(
    monkeypatch: pytest.MonkeyPatch, server: ServerSettings, sound: bool | None, text: str
) -> None:
    monkeypatch.setattr("chatserver.web.addresses.lan_addresses", lambda: ["10.0.0.5"])
    found = links(Settings(server=server))
    assert found[0] is sound
    assert text in found[1]

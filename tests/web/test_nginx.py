"""The chat behind a real nginx with deploy/nginx.conf: TLS, addresses, origins, limits."""

import asyncio
import io
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.abc import AbstractResolver, ResolveResult
from PIL import Image

from chatserver.config import ServerSettings, Settings
from chatserver.protocol import Type
from tests.conftest import FAST, StartChat
from tests.driver import PASSWORD, Chat, ask
from tests.rig.needs import require
from tests.rig.nginx import NAME, PrivateNginx

VISITOR = "127.0.0.2"  # another address than the proxy's
CLAIMED = "203.0.113.7"
SPOOFED = {"X-Forwarded-For": CLAIMED, "X-Forwarded-Host": "evil.example"}


class ToLoopback(AbstractResolver):
    """Resolve every name to this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        place = ResolveResult(
            hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
        )
        return [place]

    async def close(self) -> None: ...


@pytest.fixture
def nginx() -> PrivateNginx:
    if os.environ.get("CI") != "true" and not PrivateNginx.found():
        pytest.skip("nginx is missing: apt-get install nginx-light")
    require("nginx", found=PrivateNginx.found())
    return PrivateNginx()


@pytest_asyncio.fixture
async def chat(start_chat: StartChat, nginx: PrivateNginx, tmp_path: Path) -> Chat:
    """A chat configured as in deploy/nginx.conf, with the user ann."""
    server = ServerSettings(public_url=nginx.url, trusted_proxies=["127.0.0.1"])
    chat = await start_chat(Settings(data=tmp_path / "d", server=server, limits=FAST))
    await chat.user("ann", admin=True)
    return chat


@pytest.fixture
def proxy(nginx: PrivateNginx, chat: Chat) -> Iterator[PrivateNginx]:
    nginx.upstream = int(chat.url.rpartition(":")[2])
    with nginx:
        yield nginx


@pytest_asyncio.fixture
async def http(proxy: PrivateNginx) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the certificate and resolves the server's name."""
    trust = ssl.create_default_context(cafile=str(proxy.certificate))
    connector = aiohttp.TCPConnector(
        ssl=trust, resolver=ToLoopback(), local_addr=(VISITOR, 0), force_close=True
    )
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def log_in(http: aiohttp.ClientSession, proxy: PrivateNginx) -> dict[str, str]:
    """Log in; return the header with the token. The cookie is in the client's jar."""
    form = {"username": "ann", "password": PASSWORD}
    answer = await ask(http, "POST", f"{proxy.url}/login", form, {"Origin": proxy.url, **SPOOFED})
    assert answer.status == 200
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-chatserver=")
    assert "Secure" in cookie
    assert "Strict-Transport-Security" in answer.headers
    return {"Authorization": answer.headers["Authorization"]}


async def test_messages_pass_the_proxy_and_only_its_own_origin_is_accepted(
    http: aiohttp.ClientSession, proxy: PrivateNginx, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatserver")
    await log_in(http, proxy)
    own = {"Origin": proxy.url, **SPOOFED}
    async with http.ws_connect(f"{proxy.url}/ws", headers=own) as line:
        assert (await line.receive_json())["user"] == "ann"  # by the cookie
        await line.send_json({"type": Type.GROUP_CHAT, "data": "hello", "id": "1"})
        frames = [await line.receive_json() for _ in range(4)]
        assert "hello" in [frame.get("data") for frame in frames]
    (arrival,) = [record for record in caplog.records if record.message == "connected"]
    assert vars(arrival)["address"] == VISITOR
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"{proxy.url}/ws", headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403


async def test_bodies_that_are_too_large_are_rejected_also_when_streamed(
    http: aiohttp.ClientSession, proxy: PrivateNginx
) -> None:
    script = await log_in(http, proxy) | {"Content-Type": "text/plain"}
    url = f"{proxy.url}/api/rooms/1/messages"
    for pieces, by_chatserver in ((2, True), (40, False)):
        async with http.post(url, data=stream(pieces), headers=script) as answer:
            assert answer.status == 413
            assert (answer.content_type == "application/json") is by_chatserver
    async with http.post(url, data=stream(0), headers=script) as answer:
        assert answer.status == 201


async def test_a_large_profile_picture_passes_the_proxy(
    http: aiohttp.ClientSession, proxy: PrivateNginx
) -> None:
    photo = io.BytesIO()
    Image.frombytes("RGB", (800, 800), os.urandom(800 * 800 * 3)).save(photo, "PNG")
    assert photo.tell() > 1_500_000
    for path in ("me/picture", "admin/server/logo"):
        content = io.BytesIO(photo.getvalue())
        async with http.put(
            f"{proxy.url}/api/{path}", data=content, headers=await log_in(http, proxy)
        ) as answer:
            assert answer.status == 200, await answer.text()


async def stream(pieces: int) -> AsyncIterator[bytes]:
    """Yield a body of unknown length: two bytes and so many times 50,000."""
    yield b"hi"
    for _ in range(pieces):
        yield b"x" * 50_000
        await asyncio.sleep(0)


async def test_links_have_the_public_url_and_the_log_has_no_secrets(
    http: aiohttp.ClientSession, proxy: PrivateNginx
) -> None:
    script = await log_in(http, proxy)
    made = await ask(http, "POST", f"{proxy.url}/api/invites", {}, {**script, **SPOOFED})
    link = made.json["url"]
    assert link.startswith(f"{proxy.url}/join/")
    assert (await ask(http, "GET", link)).status == 200
    plain = await ask(http, "GET", f"http://{NAME}:{proxy.port}/login")
    assert (plain.status, plain.headers["Location"]) == (301, f"https://{NAME}/login")
    assert (await ask(http, "GET", f"{proxy.url}/metrics")).status == 404
    token = script["Authorization"].removeprefix("Bearer ")
    async with http.ws_connect(f"{proxy.url}/ws?token={token}") as line:
        assert (await line.receive_json())["user"] == "ann"
    proxy.stop()
    assert f"{VISITOR} " in proxy.access_log
    assert " GET /join/ 200 " in proxy.access_log
    assert " GET /ws 101 " in proxy.access_log
    for secret in (token, link.rpartition("/")[2], PASSWORD):
        assert secret not in proxy.access_log

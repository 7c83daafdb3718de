"""Security rules, with a regression test for each vulnerability of the predecessor."""

import logging
from pathlib import Path

import aiohttp
import pytest
from pytest_aiohttp import AiohttpClient

from chatserver.app import SERVER, create_app
from chatserver.config import ServerSettings, Settings
from chatserver.protocol import Type
from tests.conftest import FAST, StartChat
from tests.driver import PASSWORD, Chat, User, ask

FOREIGN = [
    "http://evil.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "https://{host}",
    "http://{host}.evil.example",
    "http://evil.example/{host}",
    "http://{host}@evil.example",
    "HTTP://{host}",
    "",
]


# Origin ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_origin_can_neither_connect_nor_change_anything(
    chat: Chat, ann: User, origin: str
) -> None:
    headers = {"Origin": origin.format(host=chat.url.removeprefix("http://"))}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await ann.connect(headers=headers)
    assert refused.value.status == 403
    for method, path, body in (
        ("POST", "/login", {"username": "ann", "password": PASSWORD}),
        ("POST", "/logout", None),
        ("PATCH", "/api/me", {"display": "Owned"}),
        ("POST", "/api/invites", {}),
    ):
        answer = await ann.ask(method, path, body, headers=headers)
        assert (answer.status, answer.json["code"]) == (403, "forbidden")


async def test_the_origin_of_the_server_is_accepted(chat: Chat, ann: User) -> None:
    headers = {"Origin": chat.url}
    assert (await ann.connect(headers=headers)).welcome["user"] == "ann"
    assert (await ann.ask("PATCH", "/api/me", {"display": "A"}, headers=headers)).status == 200


async def test_a_request_marked_as_cross_site_is_rejected(ann: User) -> None:
    answer = await ann.ask("POST", "/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403


async def test_the_origin_is_compared_with_a_configured_public_url(
    start_chat: StartChat, tmp_path: Path
) -> None:
    server = ServerSettings(public_url="https://chat.example")
    chat = await start_chat(Settings(data=tmp_path / "d", server=server, limits=FAST))
    ann = await chat.user("ann")
    assert (await ann.connect(headers={"Origin": "https://chat.example"})).welcome
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await ann.connect(headers={"Origin": chat.url})


# Headers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login", "/index", "/api/me", "/nothing", "/healthz"])
async def test_every_response_has_the_security_headers(ann: User, path: str) -> None:
    headers = (await ann.ask("GET", path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Server" not in headers
    for name in ("Strict-Transport-Security", "Cross-Origin-Opener-Policy"):
        assert name not in headers  # this is plain HTTP


async def test_only_the_chat_page_may_use_the_microphone(ann: User) -> None:
    allowed = {
        path: "microphone=(self)" in (await ann.ask("GET", path)).headers["Permissions-Policy"]
        for path in ("/index", "/login", "/admin/users", "/api/me", "/nothing")
    }
    assert [path for path in allowed if allowed[path]] == ["/index"]


async def test_errors_are_pages_for_browsers_and_json_for_scripts(ann: User) -> None:
    page = await ann.ask("GET", "/nothing", headers={"Accept": "text/html"})
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    script = await ann.ask("GET", "/nothing")
    assert (script.status, script.json["ok"], script.json["code"]) == (404, 0, "not_found")
    wrong_method = await ann.ask("DELETE", "/login")
    assert (wrong_method.status, wrong_method.json["ok"]) == (405, 0)
    for body in ("[]", "{", '"x"', '{"username":7}', "\xff"):
        async with ann.http.post(
            ann.chat.url + "/login", data=body, headers={"Content-Type": "application/json"}
        ) as response:
            assert (response.status, (await response.json())["code"]) == (400, "bad_request")


async def test_forwarding_headers_are_ignored_without_trusted_proxies(
    chat: Chat, ann: User
) -> None:
    spoofed = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }
    made = await ann.ask("POST", "/api/invites", {}, headers=spoofed)
    assert made.json["url"].startswith(chat.url)


async def test_forwarding_headers_of_an_untrusted_peer_are_ignored(
    start_chat: StartChat, tmp_path: Path
) -> None:
    server = ServerSettings(trusted_proxies=["192.0.2.0/24"])
    chat = await start_chat(Settings(data=tmp_path / "d", server=server, limits=FAST))
    ann = await chat.user("ann", admin=True)
    spoofed = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "evil.example"}
    made = await ann.ask("POST", "/api/invites", {}, headers=spoofed)
    assert made.json["url"].startswith(chat.url)


async def test_forwarding_headers_of_a_trusted_proxy_are_used(
    start_chat: StartChat, tmp_path: Path
) -> None:
    server = ServerSettings(trusted_proxies=["127.0.0.1"])
    chat = await start_chat(Settings(data=tmp_path / "d", server=server, limits=FAST))
    ann = await chat.user("ann", admin=True)
    outer = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Host": "chat.example",
        "X-Forwarded-Proto": "https",
    }
    made = await ann.ask("POST", "/api/invites", {}, headers=outer)
    assert made.json["url"].startswith("https://chat.example/join/")
    form = {"username": "ann", "password": PASSWORD}
    answer = await ask(chat.browser(), "POST", chat.url + "/login", form, headers=outer)
    assert answer.headers["Set-Cookie"].startswith("__Host-chatserver=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    own = outer | {"Origin": "https://chat.example"}
    assert (await ann.connect(headers=own)).welcome["user"] == "ann"


# Vulnerabilities of the predecessor ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["' OR '1'='1", "ann' --", 'ann" OR ""="', "ann\\", "%", "ann;"])
async def test_sql_in_a_name_is_not_executed(chat: Chat, ann: User, name: str) -> None:
    form = {"username": name, "password": "' OR '1'='1"}
    answer = await ask(chat.browser(), "POST", chat.url + "/login", form)
    assert (answer.status, answer.json["code"]) == (401, "bad_credentials")
    device = await ann.connect()
    assert (await device.say("hi", to=name))["code"] == "not_found"


async def test_passwords_are_stored_as_argon2id(chat: Chat, ann: User) -> None:
    found = await chat.server.users.find("ann")
    assert found is not None
    assert found[1].startswith("$argon2id$v=19$m=")
    assert PASSWORD not in found[1]


async def test_no_secret_is_in_any_log(
    chat: Chat, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    form = {"username": "ann", "password": PASSWORD}
    await ask(chat.browser(), "POST", chat.url + "/login", form)
    async with chat.browser().ws_connect(f"{chat.url}/ws?token={ann.token}") as ws:
        await ws.send_json({"type": Type.GROUP_CHAT, "data": "a private word"})
        await ws.receive()
    device = await ann.connect()
    await device.ws.send_str("a broken private word")
    await device.next(Type.REPLY)
    for secret in (PASSWORD, ann.token, "private word"):
        assert secret not in caplog.text


async def test_the_sender_is_the_user_of_the_session_and_not_of_the_frame(
    ann: User, bo: User
) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    await bos.send(
        {"type": Type.GROUP_CHAT, "data": "hi", "user": "ann", "from": "ann", "user_id": 1}
    )
    assert (await anns.receives("hi"))["user"] == "bo"


async def test_markup_in_names_and_messages_is_escaped(chat: Chat, ann: User) -> None:
    name = "<img src=x onerror=alert(1)>"
    eve = await chat.user("eve", display=name)
    page = await eve.ask("GET", "/index", headers={"Accept": "text/html"})
    assert name not in page.text
    assert "&lt;img" in page.text


async def test_connecting_sends_others_the_change_and_not_the_whole_list(chat: Chat) -> None:
    users = [await chat.user(f"bo{number}") for number in range(20)]
    devices = [await user.connect() for user in users]
    watcher = devices[0]
    frames = [await watcher.next(Type.PRESENCE)]
    while len({p["name"] for f in frames for p in f["online"]} - {"bo0"}) < 19:
        frames.append(await watcher.next(Type.PRESENCE))
    total = sum(len(frame["online"]) for frame in frames)
    assert total <= 20


# Embedding ---------------------------------------------------------------------------------------


async def test_the_application_works_as_a_sub_application(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    outer = aiohttp.web.Application()
    inner = create_app(Settings(data=tmp_path / "d", limits=FAST))
    outer.add_subapp("/chat", inner)
    client = await aiohttp_client(outer)
    bare = await client.get("/chat", allow_redirects=False)
    assert (bare.status, bare.headers["Location"]) == (302, "/chat/")
    assert (await client.get("/chats", allow_redirects=False)).status == 404
    setup = await client.get("/chat/", allow_redirects=False)
    assert setup.headers["Location"] == "/chat/setup"
    page = await (await client.get("/chat/setup", headers={"Accept": "text/html"})).text()
    assert "/chat/static/" in page
    form = {
        "token": inner[SERVER].accounts.setup_token(),
        "username": "ann",
        "password": PASSWORD,
    }
    assert (await client.post("/chat/setup", json=form)).status == 200
    async with client.ws_connect("/chat/ws") as ws:
        assert (await ws.receive_json())["user"] == "ann"
    assert (await client.get("/chat/nothing")).status == 404
    made = await (await client.post("/chat/api/invites", json={})).json()
    assert "/chat/join/" in made["url"]

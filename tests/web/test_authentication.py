"""Sessions and the connections that they end."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from chatserver.errors import Unavailable
from chatserver.protocol import Type
from chatserver.storage.room_list import UserRooms
from chatserver.storage.search import Search, SearchPage
from chatserver.web.session_cookies import COOKIE
from tests.conftest import StartChat
from tests.driver import PASSWORD, Chat, Device, User, ask


async def ended(device: Device, code: int = 4101) -> None:
    error = await device.next(Type.ERROR)
    assert error["code"]
    assert await device.closed() == code


async def test_logging_out_closes_the_connections_of_that_session_only(
    chat: Chat, ann: User
) -> None:
    other = await chat.logged_in("ann")
    devices = [await ann.connect(), await ann.connect()]
    stays = await other.connect()
    started = time.monotonic()
    assert (await ann.ask("POST", "/logout")).status == 200
    for device in devices:
        await ended(device)
    assert time.monotonic() - started < 1.0
    assert (await stays.say("still here"))["ok"] is True


async def test_disabling_an_account_closes_its_connections_and_rejects_logins(
    chat: Chat, ann: User, bo: User
) -> None:
    bos = await bo.connect()
    assert (await ann.ask("PATCH", "/api/users/bo", {"disabled": True})).status == 200
    await ended(bos, 4102)
    await ended(await bo.open(), 4102)
    assert (await bo.ask("GET", "/api/me")).status == 401
    form = {"username": "bo", "password": PASSWORD}
    assert (await ask(chat.browser(), "POST", chat.url + "/login", form)).status == 401
    await ann.ask("PATCH", "/api/users/bo", {"disabled": False})
    assert (await ask(chat.browser(), "POST", chat.url + "/login", form)).status == 200


async def test_deleting_an_account_closes_its_connections_and_ends_its_memberships(
    chat: Chat, ann: User, bo: User
) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    made = await anns.ask(Type.ROOM, action="create", name="plans", users=["bo"])
    assert (await anns.next(Type.ROOM))["action"] == "create"
    assert (await ann.ask("DELETE", "/api/users/ann")).status == 403
    assert (await ann.ask("DELETE", "/api/users/bo")).status == 200
    await ended(bos, 4102)
    await ended(await bo.open(), 4102)
    left = await anns.next(Type.ROOM)
    assert (left["action"], left["room"], left["users"]) == ("leave", made["room"], ["bo"])
    shown = (await ann.ask("GET", "/api/users?names=bo")).json["users"][0]
    assert (shown["display"], shown["disabled"]) == ("Deleted user", True)
    form = {"username": "bo", "password": PASSWORD}
    assert (await ask(chat.browser(), "POST", chat.url + "/login", form)).status == 401
    refused = await ann.ask("PATCH", "/api/users/bo", {"disabled": False})
    assert (refused.status, refused.json["data"]) == (403, "This account is deleted.")


async def test_a_password_set_by_an_administrator_ends_all_sessions(
    chat: Chat, ann: User, bo: User
) -> None:
    bos = await bo.connect()
    changed = await ann.ask("PATCH", "/api/users/bo", {"password": "a new long secret"})
    assert changed.status == 200
    await ended(bos)
    assert (await bo.ask("GET", "/api/me")).status == 401
    form = {"username": "bo", "password": "a new long secret"}
    assert (await ask(chat.browser(), "POST", chat.url + "/login", form)).status == 200


async def test_changing_a_password_ends_the_other_sessions_of_the_user(
    chat: Chat, ann: User
) -> None:
    here, elsewhere = await ann.connect(), await (await chat.logged_in("ann")).connect()
    form = {"old": "not this one", "password": "a new long secret"}
    wrong = await ann.ask("PUT", "/api/me/password", form)
    assert (wrong.status, wrong.json["code"]) == (403, "forbidden")
    weak = await ann.ask("PUT", "/api/me/password", {"old": PASSWORD, "password": "password"})
    assert (weak.status, weak.json["code"]) == (400, "bad_request")
    assert (await ann.ask("PUT", "/api/me/password", form | {"old": PASSWORD})).status == 200
    await ended(elsewhere)
    assert (await here.say("still here"))["ok"] is True
    login = {"username": "ann", "password": PASSWORD}
    assert (await ask(chat.browser(), "POST", chat.url + "/login", login)).status == 401
    login["password"] = form["password"]
    assert (await ask(chat.browser(), "POST", chat.url + "/login", login)).status == 200


async def test_a_user_can_end_only_sessions_of_their_own(chat: Chat, ann: User, bo: User) -> None:
    lost = await (await chat.logged_in("ann")).connect()
    path = f"/api/sessions/{lost.welcome['session']['id']}"
    assert (await bo.ask("DELETE", path)).status == 404
    assert (await ann.ask("DELETE", path)).status == 200
    await ended(lost)
    assert (await ann.ask("DELETE", path)).status == 404
    assert (await ann.ask("GET", "/api/me")).status == 200


async def test_administrators_cannot_disable_themselves(ann: User) -> None:
    refused = await ann.ask("PATCH", "/api/users/ann", {"disabled": True})
    assert refused.json["code"] == "forbidden"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\u00e4"])
async def test_an_invalid_token_gets_one_error_frame_and_no_events(
    chat: Chat, ann: User, token: str
) -> None:
    anns = await ann.connect()
    stranger = User(chat, "nobody", 0, token, chat.browser())
    device = await stranger.open()
    await anns.say("among ourselves")
    frames = [await device.next()]
    assert (frames[0]["type"], frames[0]["code"]) == (0, "session_invalid")
    assert await device.closed() == 4101


async def test_tokens_in_the_query_can_be_disabled(chat: Chat, ann: User) -> None:
    url = f"{chat.url}/ws?token={ann.token}"
    async with chat.browser().ws_connect(url) as ws:
        assert (await ws.receive_json())["type"] == Type.WELCOME


async def test_renewing_extends_the_session_without_a_reconnect(ann: User) -> None:
    device = await ann.connect()
    before = device.welcome["session"]["expires_at"]
    renewed = await device.ask(Type.RENEW)
    assert renewed["expires_at"] >= before
    ann.token = renewed["token"]
    assert (await (await ann.connect()).say("with the new token"))["ok"] is True


async def test_a_session_is_renewed_over_http_by_cookie_or_token(chat: Chat, ann: User) -> None:
    ends = (await ann.connect()).welcome["session"]
    answer = await ann.ask("PUT", "/api/me/session")
    assert answer.json["expires_at"] >= ends["expires_at"]
    ann.token = answer.headers["Authorization"].removeprefix("Bearer ")
    assert "Set-Cookie" not in answer.headers
    assert (await ann.connect()).welcome["session"]["lifetime"] == ends["lifetime"]
    browser = chat.browser()
    form = {"username": "ann", "password": PASSWORD}
    assert (await ask(browser, "POST", chat.url + "/login", form)).status == 200
    answer = await ask(browser, "PUT", chat.url + "/api/me/session")
    assert COOKIE in answer.headers["Set-Cookie"]
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "Authorization" not in answer.headers
    stranger = await ask(chat.browser(), "PUT", chat.url + "/api/me/session")
    assert stranger.status == 401


async def test_a_connection_can_switch_to_a_newer_session(chat: Chat, ann: User, bo: User) -> None:
    device = await ann.connect()
    newer = await chat.logged_in("ann")
    assert (await device.ask(Type.RENEW, token=newer.token))["ok"] is True
    await ann.ask("POST", "/logout")
    assert (await device.say("still here"))["ok"] is True
    refused = await device.ask(Type.RENEW, token=bo.token)
    assert refused["code"] == "forbidden"
    refused = await device.ask(Type.RENEW, token="nonsense")
    assert refused["code"] == "unauthorized"


async def test_a_logout_between_authentication_and_welcome_closes_the_connection(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_rooms = chat.server.rooms.for_user
    checked, signed_out = asyncio.Event(), asyncio.Event()

    async def slowly(user_id: int) -> UserRooms:
        checked.set()
        await signed_out.wait()
        return await read_rooms(user_id)

    monkeypatch.setattr(chat.server.rooms, "for_user", slowly)
    opening = asyncio.create_task(ann.open())
    await checked.wait()
    assert (await ann.ask("POST", "/logout")).status == 200
    signed_out.set()
    device = await opening
    assert (await device.next())["type"] == Type.ERROR
    assert await device.closed() == 4101


async def test_a_client_that_connects_during_the_stop_is_closed_as_restarting(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_rooms = chat.server.rooms.for_user
    checked, stopped = asyncio.Event(), asyncio.Event()

    async def slowly(user_id: int) -> UserRooms:
        checked.set()
        await stopped.wait()
        return await read_rooms(user_id)

    monkeypatch.setattr(chat.server.rooms, "for_user", slowly)
    opening = asyncio.create_task(ann.open())
    await checked.wait()
    await chat.server.websocket.wait_closed()
    stopped.set()
    assert await (await opening).closed() == 4001


async def test_a_conversation_created_while_a_client_connects_is_in_its_welcome(
    chat: Chat, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_rooms = chat.server.rooms.for_user
    read, written = asyncio.Event(), asyncio.Event()

    async def slowly(user_id: int) -> UserRooms:
        rooms = await read_rooms(user_id)
        read.set()
        await written.wait()
        return rooms

    anns = await ann.connect()
    monkeypatch.setattr(chat.server.rooms, "for_user", slowly)
    connecting = asyncio.create_task(bo.connect())
    await read.wait()
    await anns.say("are you there?", to="bo")
    written.set()
    bos = await connecting
    (direct,) = [room for room in bos.welcome["rooms"] if room["kind"] == "direct"]
    assert (direct["head"], direct["to"]) == (1, "ann")


async def test_an_unavailable_database_is_reported_before_the_upgrade(
    chat: Chat, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_user_id: int) -> UserRooms:
        raise Unavailable

    monkeypatch.setattr(chat.server.rooms, "for_user", away)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await ann.open()
    assert refused.value.status == 503


async def test_sessions_stay_valid_after_a_key_rotation(start_chat: StartChat) -> None:
    chat = await start_chat()
    ann = await chat.user("ann")
    chat.server.keys.rotate()
    assert (await ann.ask("GET", "/api/me")).status == 200
    assert (await ann.connect()).welcome["user"] == "ann"


async def test_a_request_whose_session_ends_while_its_body_arrives_is_rejected(
    chat: Chat, ann: User, bo: User
) -> None:
    arriving, ended = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"display": '
        arriving.set()
        await ended.wait()
        yield b'"Changed"}'

    headers = {"Authorization": f"Bearer {bo.token}", "Content-Type": "application/json"}
    request = bo.http.patch(f"{chat.url}/api/me", data=body(), headers=headers)
    task = asyncio.ensure_future(request.__aenter__())
    await arriving.wait()
    await ann.ask("PATCH", "/api/users/bo", {"password": "a new long secret"})
    ended.set()
    assert (await task).status == 401
    assert (await chat.account("bo")).display == "Bo"


async def test_a_cookie_is_renewed_as_a_cookie_also_behind_a_proxy_that_authenticates(
    chat: Chat, ann: User
) -> None:
    headers = {"Cookie": f"{COOKIE}={ann.token}", "Authorization": "Basic eDp5"}
    answer = await ask(chat.browser(), "PUT", f"{chat.url}/api/me/session", {}, headers=headers)
    assert answer.status == 200
    assert COOKIE in answer.headers["Set-Cookie"]
    assert "Authorization" not in answer.headers


async def test_queries_that_outlast_their_session_are_not_answered(
    ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, ends = asyncio.Event(), asyncio.Event()
    finding, asked = Search.find, []

    async def find(self: Search, *query: Any, **page: Any) -> SearchPage:
        asked.append(query)
        started.set()
        await ends.wait()
        return await finding(self, *query, **page)

    monkeypatch.setattr(Search, "find", find)
    paths = ("/api/search?q=tea", "/api/search?q=tea", "/api/rooms/lobby/files", "/api/users?q=a")
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(bo.ask("GET", paths[0]))]
        await started.wait()
        answers += [group.create_task(bo.ask("GET", path)) for path in paths[1:]]
        await bo.ask("GET", "/api/me")  # those before it wait in the queue
        await ann.ask("PATCH", "/api/users/bo", {"disabled": True})
        ends.set()
    assert [answer.result().status for answer in answers] == [401] * 4
    assert len(asked) == 1

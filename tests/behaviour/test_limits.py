"""Limits: an excess is rejected clearly, affects no other client, and loses nothing."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec
import pytest

from chatserver.config import AuthSettings, LimitSettings, Settings
from chatserver.protocol import PREVIEW_CHARS, ROOMS_LIMIT, Type
from tests.conftest import FAST, StartChat
from tests.driver import Chat, User, ask
from tests.storage.crowded import make_rooms

Limits = Callable[..., Settings]


@pytest.fixture
def limits(tmp_path: Path) -> Limits:
    """Return a function that builds settings with these limits, and otherwise high ones."""

    def make(**changes: float) -> Settings:
        limited: LimitSettings = msgspec.structs.replace(FAST, **changes)
        return Settings(data=tmp_path / "limited", limits=limited)

    return make


async def test_too_many_messages_are_rejected_with_the_time_to_wait(
    start_chat: StartChat, limits: Limits
) -> None:
    chat = await start_chat(limits(messages_per_second=2, message_burst=3))
    ann, bo = await chat.user("ann"), await chat.user("bo")
    phone, desk = await ann.connect(), await ann.connect()
    replies = [await device.say("hi") for device in (phone, desk, phone, desk)]
    assert [reply["ok"] for reply in replies] == [True, True, True, False]
    assert replies[3]["code"] == "rate_limited"
    assert 0 < replies[3]["retry_after"] <= 0.5
    assert (await (await bo.connect()).say("not my limit"))["ok"] is True
    assert (await phone.history(1, after=0))["head"] == 4


async def test_a_text_that_is_too_long_is_rejected_and_the_connection_stays_open(
    ann: User,
) -> None:
    device = await ann.connect()
    assert (await device.say("你" * 4_000))["ok"] is True
    refused = await device.say("你" * 4_001)
    assert (refused["ok"], refused["code"]) == (False, "too_large")
    assert "4000" in refused["data"]


async def test_a_frame_that_is_too_large_is_rejected_with_its_id(ann: User) -> None:
    device = await ann.connect()
    await device.ws.send_str('{"type":2,"id":"big","data":"hi","junk":"' + "x" * 66_000 + '"}')
    refused = await device.reply("big")
    assert refused["code"] == "too_large"
    assert (await device.say("still here"))["ok"] is True
    await device.ws.send_str("x" * 1_200_000)
    assert await device.closed() == 1009


@pytest.mark.parametrize(
    ("frame", "request_id"),
    [
        ('{"type":2,"id":"q","data":7}', "q"),
        ('{"type":2,"id":"q"}', "q"),
        ('{"type":2,"id":"q","data":"hi","room":99999999999999999999}', "q"),
        ('{"type":2,"id":"q","data":"hi","room":true}', "q"),
        ('{"type":2,"id":"q","data":"hi","room":-1}', "q"),
        ('{"type":2,"id":"q","data":"   "}', "q"),
        ('{"type":99,"id":"q"}', "q"),
        ('{"type":"2","id":"q","data":"hi"}', "q"),
        ('{"id":"q"}', "q"),
        ('{"type":3,"id":"q","data":"to whom?"}', "q"),
        ('{"type":7,"id":"q"}', "q"),
        ('{"type":7,"id":"q","room":1,"after":1,"before":2}', "q"),
        ('{"type":7,"id":"q","room":1,"limit":501}', "q"),
        ('{"type":2,"id":7,"data":"hi"}', None),
        ('{"type":2,"id":"","data":"hi"}', None),
        ('{"type":2,"id":"' + "x" * 65 + '","data":"hi"}', None),
        ('{"type":2,"id":"a\\u0000b","data":"hi"}', None),
        ('{"type":2,"data":"\\ud800"}', None),
        ("[]", None),
        ("null", None),
        ("not json", None),
        ("", None),
        ("[" * 10_000, None),
        ('{"type":2,"data":"hi"', None),
    ],
)
async def test_an_invalid_frame_is_answered_and_the_connection_stays_open(
    ann: User, bo: User, frame: str, request_id: str | None
) -> None:
    device, other = await ann.connect(), await bo.connect()
    await device.ws.send_str(frame)
    refused = await device.next(Type.REPLY)
    assert (refused["ok"], refused["code"]) == (False, "bad_request")
    assert refused.get("id") == request_id
    assert refused["data"]
    assert (await device.say("still here"))["seq"] == 1
    await other.receives("still here")


async def test_a_message_to_an_unknown_user_is_rejected(ann: User) -> None:
    device = await ann.connect()
    refused = await device.say("anybody?", to="nobody")
    assert (refused["ok"], refused["code"]) == (False, "not_found")
    await device.send({"type": Type.SINGLE_CHAT, "data": "anybody?", "to": "nobody"})
    refused = await device.next(Type.REPLY)
    assert (refused["code"], "id" in refused) == ("not_found", False)


async def test_binary_frames_are_rejected(ann: User) -> None:
    device = await ann.connect()
    await device.ws.send_bytes(b'{"type":2,"data":"hi"}')
    assert (await device.next(Type.REPLY))["code"] == "bad_request"


async def test_a_client_that_sends_many_invalid_frames_is_disconnected(ann: User, bo: User) -> None:
    device, other = await ann.connect(), await bo.connect()
    for _ in range(150):
        await device.ws.send_str("?")
    assert await device.closed() == 4103
    assert (await other.say("not me"))["ok"] is True


async def test_the_number_of_connections_of_a_user_is_limited(
    start_chat: StartChat, limits: Limits
) -> None:
    chat = await start_chat(limits(sockets_per_user=2))
    ann = await chat.user("ann")
    devices = [await ann.connect(), await ann.connect()]
    assert await (await ann.open()).closed() == 4003
    await devices[0].close()
    assert (await (await ann.connect()).say("room again"))["ok"] is True


async def test_guessing_passwords_is_slowed_down(start_chat: StartChat, limits: Limits) -> None:
    chat = await start_chat(limits(logins_per_minute_account=5, logins_per_minute_address=100))
    await chat.user("ann")
    statuses = []
    for number in range(8):
        form = {"username": "ann", "password": f"guess number {number}"}
        statuses.append((await ask(chat.browser(), "POST", chat.url + "/login", form)).status)
    assert statuses[:3] == [401, 401, 401]
    assert 429 in statuses
    answer = await ask(chat.browser(), "POST", chat.url + "/login", form)
    assert (answer.json["code"], answer.json["retry_after"] > 0) == ("rate_limited", True)
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_body_that_is_too_large_is_rejected(chat: Chat, ann: User) -> None:
    form = {"username": "ann", "password": "x" * 70_000}
    answer = await ask(chat.browser(), "POST", chat.url + "/login", form)
    assert (answer.status, answer.json["code"]) == (413, "too_large")


async def test_a_stalled_reader_is_disconnected_and_others_are_not_affected(
    start_chat: StartChat, limits: Limits
) -> None:
    chat = await start_chat(limits(waiting_bytes=65_536))
    ann, bo = await chat.user("ann"), await chat.user("bo")
    anns, stalled = await ann.connect(), await bo.connect()
    line = stalled.ws._response.connection
    assert line is not None
    transport = cast(asyncio.ReadTransport, line.transport)
    transport.pause_reading()
    text = "x" * 3_900
    slowest = 0.0
    for _ in range(3_000):
        started = time.monotonic()
        await anns.say(text)
        await anns.receives(text)
        slowest = max(slowest, time.monotonic() - started)
        if not chat.server.hub.connections_of(bo.number):
            break
    assert not chat.server.hub.connections_of(bo.number)
    head = (await anns.history(1))["head"]
    assert head * len(text) < 1_000_000  # the amount that the kernel buffers of both sides can hold
    transport.resume_reading()
    back = await bo.connect()
    seen = 0
    while seen < head:
        page = await back.history(1, after=seen, limit=10)
        assert [event["seq"] for event in page["events"]] == list(
            range(seen + 1, seen + 1 + len(page["events"]))
        )
        seen += len(page["events"])
    assert slowest < 2.0


async def test_a_query_token_is_accepted_only_if_allowed(
    start_chat: StartChat, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path / "strict", auth=AuthSettings(query_token=False))
    chat = await start_chat(settings)
    ann = await chat.user("ann")
    async with chat.browser().ws_connect(f"{chat.url}/ws?token={ann.token}") as ws:
        assert (await ws.receive_json())["type"] == Type.ERROR


async def test_a_ping_gets_a_pong_with_the_same_data(ann: User) -> None:
    device = await ann.connect(autoping=False)
    await device.ws.ping(b"are you there")
    async with asyncio.timeout(5):
        while (message := await device.ws.receive()).data != b"are you there":
            assert message.type is not None


async def test_replies_do_not_count_for_the_backlog_limit(
    start_chat: StartChat, limits: Limits
) -> None:
    """All replies are requested at once, and read late."""
    chat = await start_chat(limits(waiting_bytes=65_536))
    ann = await chat.user("ann")
    device = await ann.connect()
    for _ in range(15):
        await device.say("你" * 4_000)
    asked = [f"page-{number}" for number in range(100)]
    for request_id in asked:
        await device.send(
            {"type": Type.HISTORY, "id": request_id, "room": 1, "after": 0, "limit": 500}
        )
    pages = [await device.reply(request_id) for request_id in asked]
    assert all(len(page["events"]) == 15 for page in pages)
    assert (await device.say("still here"))["ok"] is True


async def in_many_rooms(chat: Chat, *users: User) -> list[int]:
    numbers = [user.number for user in users]
    return await make_rooms(chat.server.database, ROOMS_LIMIT + 120, numbers)


async def test_rooms_that_do_not_fit_into_the_welcome_are_read_in_pages(
    chat: Chat, ann: User, bo: User
) -> None:
    rooms = await in_many_rooms(chat, ann, bo)
    device = await bo.connect()
    found = [room["room"] for room in device.welcome["rooms"]]
    assert (len(found), found[0], device.welcome["rooms_more"]) == (ROOMS_LIMIT, 1, True)
    after = device.welcome["rooms_after"]
    while after is not None:
        page = await device.ask(Type.HISTORY, rooms_after=after)
        found += [room["room"] for room in page["rooms"]]
        after = page.get("rooms_after")
        assert page["rooms_more"] is (after is not None)
    assert sorted(found) == [1, *rooms]
    assert (await (await ann.connect()).ask(Type.HISTORY, rooms_after=2**53))[
        "code"
    ] == "bad_request"


async def test_events_of_rooms_that_are_not_in_the_welcome_are_sent(
    chat: Chat, ann: User, bo: User
) -> None:
    rooms = await in_many_rooms(chat, ann, bo)
    device, anns = await bo.connect(), await ann.connect()
    listed = {room["room"] for room in device.welcome["rooms"]}
    unlisted = next(room for room in rooms if room not in listed)
    await anns.say("do you hear this?", room=unlisted)
    assert (await device.receives("do you hear this?"))["room"] == unlisted
    page = await device.ask(Type.HISTORY, rooms_after=0)
    state = next(room for room in page["rooms"] if room["room"] == unlisted)
    assert (state["head"], state["unread"], state["last"]["data"]) == (1, 1, "do you hear this?")
    assert (await device.history(unlisted, after=0))["events"][0]["seq"] == 1


async def test_rooms_are_listed_in_pages_over_http(chat: Chat, ann: User, bo: User) -> None:
    rooms = await in_many_rooms(chat, ann, bo)
    first = (await bo.ask("GET", "/api/rooms")).json
    assert [room["room"] for room in first["rooms"]] == [1, *rooms[: ROOMS_LIMIT - 1]]
    assert (first["rooms_more"], len(first["public"])) == (True, 1)
    rest = (await bo.ask("GET", f"/api/rooms?rooms_after={first['rooms_after']}")).json
    assert [room["room"] for room in rest["rooms"]] == rooms[ROOMS_LIMIT - 1 :]
    assert rest.keys() == {"ok", "rooms"}
    public = (await bo.ask("GET", "/api/rooms?public_after=lobby")).json
    assert public == {"ok": 1, "public": []}


async def test_a_user_cannot_make_the_welcome_of_others_too_large(
    start_chat: StartChat, limits: Limits
) -> None:
    """One long message in each of many conversations with a title of 100 characters."""
    chat = await start_chat(limits(waiting_bytes=65_536))
    ann, bo = await chat.user("ann"), await chat.user("bo")
    anns = await ann.connect()
    for number in range(120):
        made = await anns.ask(Type.ROOM, action="create", title="題" * 100, users=["bo"])
        await anns.say("你" * 4_000, room=made["room"])
        assert number or (await (await bo.connect()).say("hi"))["ok"]
    device = await bo.connect()
    assert len(device.welcome["rooms"]) == 121
    assert max(len(room["last"]["data"]) for room in device.welcome["rooms"]) <= PREVIEW_CHARS
    assert (await device.say("still here"))["ok"] is True
    await anns.say("and you?")
    await device.receives("still here")
    await device.receives("and you?")


SLOW = {"messages_per_second": 1, "message_burst": 20}


async def ann_among_others(chat: Chat) -> tuple[User, list[str]]:
    """Return ann, and the names of 30 other users."""
    ann = await chat.user("ann")
    return ann, [(await chat.user(f"user{number}")).name for number in range(30)]


async def test_a_change_counts_once_for_each_named_user(
    start_chat: StartChat, limits: Limits
) -> None:
    ann, names = await ann_among_others(await start_chat(limits(**SLOW)))
    device = await ann.connect()
    replies = [await device.ask(Type.ROOM, action="create", users=names) for _ in range(6)]
    assert [reply["ok"] for reply in replies] == [True] * 5 + [False]
    assert (replies[5]["code"], 0 < replies[5]["retry_after"] <= 1) == ("rate_limited", True)


async def test_changes_that_one_user_sends_at_the_same_time_count_together(
    start_chat: StartChat, limits: Limits
) -> None:
    ann, names = await ann_among_others(await start_chat(limits(**SLOW)))
    devices = [await ann.connect() for _ in range(4)]
    sent = [device.ask(Type.ROOM, action="create", users=names * 10) for device in devices]
    replies = await asyncio.gather(*sent)
    assert sorted(reply["ok"] for reply in replies) == [False, False, False, True]
    assert {reply["code"] for reply in replies if not reply["ok"]} == {"rate_limited"}

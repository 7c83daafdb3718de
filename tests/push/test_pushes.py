"""Who gets a push for a message, and what it says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chatserver.push import reader
from chatserver.storage import push_claims
from tests.conftest import StartChat
from tests.driver import PASSWORD, Chat, User
from tests.push.browsers import Browser, PushService, claims, notification, subscribe
from tests.push.conftest import start_pushing

LOBBY = "/api/rooms/1/messages"


async def say(user: User, text: str, path: str = LOBBY) -> int:
    """Send a message; return its seq."""
    answer = await user.ask("POST", path, {"data": text})
    assert answer.status == 201
    seq: int = answer.json["seq"]
    return seq


async def settled(chat: Chat) -> None:
    """Return when all messages so far have been handled and delivered."""
    async with asyncio.timeout(5):
        while chat.server.push.reader.waiting or chat.server.push.delivery.pending:
            await asyncio.sleep(0.01)


async def pushed(chat: Chat, service: PushService) -> int:
    """Return the number of pushes since the last call."""
    await settled(chat)
    number = len(service.received)
    service.received.clear()
    return number


async def test_a_mention_reaches_a_browser_without_an_open_page(
    service: PushService, ann: User, bo: User
) -> None:
    browser = Browser(service, "bo")
    await subscribe(bo, browser)
    key = (await bo.ask("GET", "/api/push")).json["key"]
    seq = await say(ann, "@bo **dinner** at\neight?")
    await settled(bo.chat)
    (received,) = service.received
    assert notification(browser, received) == {
        "title": "Ann in Lobby",
        "body": "@bo dinner at eight?",
        "navigate": f"{bo.chat.url}/index#/room/1/{seq}",
        "lang": "en",
        "dir": "auto",
        "tag": "room-1",
        "app_badge": "1",
        "data": {"room": 1, "seq": seq, "user": "bo", "read": {"1": 0}},
        "actions": [
            {
                "action": "reply",
                "title": "Reply",
                "navigate": f"{bo.chat.url}/index#/room/1/{seq}",
            }
        ],
    }
    headers = received.headers
    assert (headers["TTL"], headers["Urgency"]) == ("86400", "high")
    assert headers["Content-Encoding"] == "aes128gcm"
    assert len(headers["Topic"]) == 32
    assert "dinner" not in repr(headers)
    token = claims(received, key)
    assert token["sub"] == f"https://{bo.chat.url.removeprefix('http://')}"
    assert token["exp"] > 0


async def test_the_chosen_level_and_the_state_of_the_room_decide(
    service: PushService, ann: User, bo: User, cy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_claims, "MIN_INTERVAL", 0)
    chat = bo.chat
    await subscribe(bo, Browser(service, "bo"), level="calls")
    await subscribe(cy, Browser(service, "cy"), level="all")
    await say(ann, "good morning")
    assert [one.path for one in await collected(chat, service)] == ["/cy"]
    await say(cy, "hello")
    assert await pushed(chat, service) == 0  # nobody is told of the own message
    await say(ann, "@all meeting")
    assert await pushed(chat, service) == 2
    await say(ann, "psst", "/api/direct/bo/messages")
    assert [one.path for one in await collected(chat, service)] == ["/bo"]
    await cy.ask("PATCH", "/api/rooms/1", {"muted": True})
    await say(ann, "news")
    assert await pushed(chat, service) == 0
    await say(ann, "@cy news")
    assert [one.path for one in await collected(chat, service)] == ["/cy"]


async def test_the_rules_of_the_user_decide(
    service: PushService, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which rule does what: tests/test_notification_rules.py."""
    monkeypatch.setattr(push_claims, "MIN_INTERVAL", 0)
    chat, browser = bo.chat, Browser(service, "bo")
    await subscribe(bo, browser, level="all")
    rules = {"level": "nothing", "sound": False}
    await bo.ask("PUT", "/api/notifications", rules)
    await say(ann, "@bo psst")
    assert await pushed(chat, service) == 0
    await bo.ask("PUT", "/api/notifications", rules | {"level": "mentions", "keywords": ["Tea"]})
    await say(ann, "coffee?")
    assert await pushed(chat, service) == 0
    await say(ann, "tea?")
    (received,) = await collected(chat, service)
    shown = notification(browser, received)
    assert (shown["body"], shown["silent"]) == ("tea?", True)
    answer = await bo.ask("PUT", "/api/rooms/1/notifications", {"level": "all"})
    assert answer.json == {"ok": 1, "room": 1, "notify": "all"}
    await say(ann, "water?")
    assert await pushed(chat, service) == 1
    await bo.ask("PUT", "/api/notifications", {"paused_until": 2**53 - 1})
    await say(ann, "@bo wake up")
    assert await pushed(chat, service) == 0
    await bo.ask("PUT", "/api/notifications", {})
    await bo.ask("PUT", "/api/rooms/1/notifications", {"level": "nothing"})
    await say(ann, "@bo where are you")
    await say(ann, "call me", "/api/direct/bo/messages")
    (received,) = await collected(chat, service)
    assert notification(browser, received)["app_badge"] == "1"  # the lobby is silent


async def collected(chat: Chat, service: PushService) -> list[Any]:
    await settled(chat)
    received, service.received[:] = list(service.received), []
    return received


async def test_nobody_who_has_read_or_left_or_watches_gets_a_push(
    service: PushService, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "DELAY", 0.3)
    chat = bo.chat
    await subscribe(bo, Browser(service, "bo"))
    device = await bo.connect()
    seq = await say(ann, "@bo read this")
    await device.send({"type": 9, "room": 1, "seq": seq})
    assert await pushed(chat, service) == 0
    await device.send({"type": 18, "visible": True})
    await say(ann, "@bo seen")
    assert await pushed(chat, service) == 0
    await device.send({"type": 18, "visible": False})
    deleted = await say(ann, "@bo oops")
    await ann.ask("DELETE", f"{LOBBY}/{deleted}")
    assert await pushed(chat, service) == 0
    room = (await ann.ask("POST", "/api/rooms", {"name": "den", "users": ["bo"]})).json["room"]
    await say(ann, "@bo still here?", f"/api/rooms/{room}/messages")
    await ann.ask("DELETE", f"/api/rooms/{room}/members/bo")
    assert await pushed(chat, service) == 0


async def test_a_visible_page_that_is_closed_is_visible_no_more(
    service: PushService, ann: User, bo: User
) -> None:
    await subscribe(bo, Browser(service, "bo"))
    device = await bo.connect()
    await device.send({"type": 18, "visible": True})
    await device.send({"type": 14, "id": "sync"})
    await device.reply("sync")
    assert bo.chat.server.hub.visible_pages.has_visible_page(bo.number)
    await device.close()
    async with asyncio.timeout(5):
        while bo.chat.server.hub.connections:
            await asyncio.sleep(0.01)
    await say(ann, "@bo gone?")
    assert await pushed(bo.chat, service) == 1


async def test_further_messages_of_a_room_are_pushed_together(
    service: PushService, ann: User, bo: User, cy: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_claims, "MIN_INTERVAL", 700)
    browser = Browser(service, "bo")
    await subscribe(bo, browser, level="all")
    await say(ann, "one")
    assert (await service.next(browser))["body"] == "one"
    for author, text in ((ann, "two"), (ann, "three"), (cy, "four")):
        await say(author, text)
    await asyncio.sleep(0.2)
    assert service.received == []
    together = await service.next(browser)
    assert (together["title"], together["body"]) == ("Lobby", "3 new messages\nCy: four")
    assert await pushed(bo.chat, service) == 0


@pytest.mark.parametrize("most", ["text", "sender", "nothing"])
async def test_a_push_says_what_the_user_wants_and_the_operator_allows(
    start_chat: StartChat, service: PushService, tmp_path: Path, most: str
) -> None:
    chat = await start_pushing(start_chat, service, tmp_path / "node", content=most)
    ann = await chat.user("ann", admin=True)
    await ann.ask("PATCH", "/api/admin/server", {"name": "School"})
    expected = {
        "text": ("Ann in Lobby", "@all secret"),
        "sender": ("Ann in Lobby", "New message"),
        "nothing": ("School", "New message"),
    }
    order = ["nothing", "sender", "text"]
    browsers = {}
    for content in order:
        browsers[content] = Browser(service, content)
        await subscribe(await chat.user(f"reads-{content}"), browsers[content], content=content)
    assert (await ann.ask("GET", "/api/push")).json["most"] == most
    await say(ann, "@all secret")
    for content, browser in browsers.items():
        shown = await service.next(browser)
        effective = min(content, most, key=order.index)
        assert (shown["title"], shown["body"]) == expected[effective]
        assert ("secret" in str(shown)) == (effective == "text")


async def test_texts_are_in_the_language_of_the_user(
    service: PushService, ann: User, bo: User
) -> None:
    await bo.ask("PATCH", "/api/me", {"locale": "zh_CN"})
    browser = Browser(service, "bo")
    await subscribe(bo, browser, content="sender")
    await say(ann, "你好", "/api/direct/bo/messages")
    shown = await service.next(browser)
    assert (shown["title"], shown["body"], shown["lang"]) == ("Ann", "新消息", "zh-Hans")
    assert shown["navigate"].endswith("#/with/ann/1")


async def log_out(user: User) -> None:
    await user.ask("POST", "/logout")


async def log_out_everywhere(user: User) -> None:
    other = await user.chat.logged_in("bo")
    await other.ask("DELETE", "/api/sessions")


async def close_account(user: User) -> None:
    ann = await user.chat.logged_in("ann")
    await ann.ask("PATCH", "/api/users/bo", {"disabled": True})


async def delete_account(user: User) -> None:
    ann = await user.chat.logged_in("ann")
    await ann.ask("DELETE", "/api/users/bo")


async def change_password(user: User) -> None:
    other = await user.chat.logged_in("bo")
    form = {"old": PASSWORD, "password": "seven green bridges"}
    assert (await other.ask("PUT", "/api/me/password", form)).status == 200


async def turn_off(user: User) -> None:
    await user.ask("DELETE", "/api/push")


@pytest.mark.parametrize(
    "end",
    [log_out, log_out_everywhere, close_account, delete_account, change_password, turn_off],
)
async def test_pushes_end_with_the_session(
    service: PushService, ann: User, bo: User, end: Any
) -> None:
    chat, browser = bo.chat, Browser(service, "bo")
    await subscribe(bo, browser, level="all")
    await say(ann, "before")
    assert await pushed(chat, service) == 1
    await end(bo)
    await ann.ask("PATCH", "/api/users/bo", {"disabled": False})
    await say(ann, "@bo after")
    assert await pushed(chat, service) == 0
    await chat.server.push.targets.remove_invalid()
    async with chat.server.database.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT COUNT(*) FROM push_targets")
        assert rows.scalar() == 0


async def test_a_browser_that_changes_hands_gets_the_pushes_of_its_new_user_only(
    service: PushService, ann: User, bo: User, cy: User
) -> None:
    shared = Browser(service, "shared")
    await subscribe(bo, shared)
    await subscribe(cy, shared)
    assert (await bo.ask("GET", "/api/push")).json.get("target") is None
    await say(ann, "for bo", "/api/direct/bo/messages")
    assert await pushed(bo.chat, service) == 0
    await say(ann, "for cy", "/api/direct/cy/messages")
    assert (await service.next(shared))["body"] == "for cy"


async def test_at_most_ten_browsers_of_a_user_get_pushes(
    service: PushService, ann: User, bo: User
) -> None:
    for number in range(12):
        session = await bo.chat.logged_in("bo")
        await subscribe(session, Browser(service, f"bo{number}"))
        await asyncio.sleep(0.002)  # `at` is in milliseconds
    await say(ann, "@bo hi")
    paths = {one.path for one in await collected(bo.chat, service)}
    assert paths == {f"/bo{number}" for number in range(2, 12)}

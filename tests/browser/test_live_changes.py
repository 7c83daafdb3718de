"""Changes of messages and rooms are shown on every page, live and after an interruption."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import User

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHOWN = """() => [...document.querySelectorAll(".messages-rows > :not(.day-line, .new-line)")]
  .map((row) => row.matches("chat-message")
    ? [row.querySelector(".message-body").innerText.trim(),
       [...row.querySelectorAll(".reaction")].map((one) => one.textContent.trim()).join(" "),
       row.querySelector(".message-quote").innerText.trim()]
    : [row.innerText])"""


async def test_changes_of_messages_are_shown_live_after_an_interruption_and_after_a_reload(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    cy = await ann.chat.user("cy", display="cy")
    for text in ("one", "two", "three"):
        await cy.ask("POST", "/api/rooms/1/messages", {"data": text})
    await ann.expect_last("three")
    await change_messages(cy, "live")
    await expect(ann.page.locator(".message-text").last).to_have_text("live: a reply")
    before = await ann.page.evaluate(SHOWN)
    assert before == [
        ["one, live (edited)", "", ""],
        ["This message was deleted.", "", ""],
        ["three", "👍1", ""],
        ["live: a reply", "", "cy three"],
    ]
    ann.allow_console_errors(r"WebSocket connection to .* failed")
    await ann.page.context.set_offline(True)
    await ann.wait_until_disconnected()
    await change_messages(cy, "away")
    await ann.page.context.set_offline(False)
    await expect(ann.page.locator(".message-text").last).to_have_text("away: a reply")
    held = await ann.page.evaluate(SHOWN)
    assert held[0] == ["one, away (edited)", "", ""]
    assert held[2] == ["three", "👍1", ""]
    await ann.page.reload()
    await ann.expect_last("away: a reply")
    assert await ann.page.evaluate(SHOWN) == held
    await bo.expect_last("away: a reply")
    assert await bo.page.evaluate(SHOWN) == held


async def change_messages(cy: User, when: str) -> None:
    """Make an edit, a deletion, reactions and a reply."""
    path = "/api/rooms/1/messages"
    await request(cy, "PATCH", f"{path}/1", {"data": f"one, {when}"})
    if when == "live":
        await request(cy, "DELETE", f"{path}/2")
    for emoji in ("👍", "🎉"):
        await request(cy, "PUT", f"{path}/3/reactions/{emoji}")
    await request(cy, "DELETE", f"{path}/3/reactions/🎉")
    await request(cy, "POST", path, {"data": f"{when}: a reply", "reply_to": 3})


async def request(who: User, method: str, path: str, body: Any = None) -> Any:
    answer = await who.ask(method, path, body)
    assert answer.status in (200, 201), answer
    return answer.json


async def test_rooms_are_added_changed_and_removed(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    cy = await ann.chat.user("cy", display="cy")
    made = await request(cy, "POST", "/api/rooms", {"name": "disks", "title": "Disks"})
    room = f"/api/rooms/{made['room']}"
    await request(cy, "POST", f"{room}/members", {"users": ["bo"]})
    await bo.open_room("Disks")
    await request(cy, "PATCH", room, {"title": "Drives", "topic": "What spins"})
    await request(cy, "POST", f"{room}/messages", {"data": "Hello"})
    await bo.expect_last("Hello")
    notices = [
        ["cy created the room"],
        ["cy added Bo"],
        ["cy renamed the room to “Drives” · cy set the topic: What spins"],
        ["Hello", "", ""],
    ]
    assert await bo.page.evaluate(SHOWN) == notices
    await expect(bo.page.locator(".topbar-title")).to_have_text("Drives")
    await expect(bo.page.locator(".topbar-details")).to_have_text("What spins")
    await bo.page.reload()
    await bo.expect_last("Hello")
    assert await bo.page.evaluate(SHOWN) == notices
    await request(cy, "DELETE", f"{room}/members/bo")
    await expect(bo.page.locator(".room-banner-text")).to_have_text("cy removed you from Drives.")
    await expect(bo.rooms()).to_have_text(["Lobby"])
    await expect(ann.rooms()).to_have_text(["Lobby"])


async def test_reading_on_one_device_marks_as_read_on_the_other(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    desk, phone = ann, await ann.another()
    await desk.open_user("ann")
    await phone.open_user("ann")
    cy = await ann.chat.user("cy", display="cy")
    for text in ("Hello", "@ann are you there?", "hello?"):
        await request(cy, "POST", "/api/rooms/1/messages", {"data": text})
    for window in (desk, phone):
        await expect(lobby_badge(window, "unread")).to_have_text("3")
        await expect(lobby_badge(window, "calls")).to_have_text("1")
        await expect(window.page).to_have_title("(3) Ann (you) · chatserver")
    await phone.page.reload()
    await expect(lobby_badge(phone, "calls")).to_have_text("1")
    await desk.page.bring_to_front()
    await desk.open_lobby()
    await expect(desk.page.locator(".message-mentions-me")).to_have_count(1)
    for window in (desk, phone):
        for kind in ("unread", "calls"):
            await expect(lobby_badge(window, kind)).to_be_hidden()
    await phone.page.reload()
    await phone.wait_until_loaded()
    await expect(lobby_badge(phone, "unread")).to_be_hidden()


def lobby_badge(window: Window, kind: str) -> Any:
    number = {"unread": ".badge-number", "calls": ".mentions-number"}[kind]
    return window.page.locator("[data-section=rooms] li").first.locator(number)


async def test_announced_texts_are_removed_from_the_page(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="bo")
    await request(bo, "POST", "/api/rooms/1/messages", {"data": "a slip of the pen"})
    announcer = ann.page.locator("live-announcer")
    await expect(announcer).to_have_text("bo: a slip of the pen")
    await request(bo, "DELETE", "/api/rooms/1/messages/1")
    await expect(announcer).to_be_empty()
    await expect(ann.page.get_by_text("a slip of the pen")).to_have_count(0)

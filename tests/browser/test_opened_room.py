"""Scroll position of an opened room: the line "New", with any number of unread messages."""

from typing import Any

import pytest
from playwright.async_api import expect

from chatserver.models import LOBBY
from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import Chat, Device
from tests.web.test_files import upload

pytestmark = pytest.mark.asyncio(loop_scope="session")

READ = 9
OLD = 60
MANY = 85  # more than are drawn at first
COUNT_SEEN = "globalThis.seen = 0; addEventListener('messages:seen', () => (seen += 1))"
LINE = ".new-line + chat-message .message-text, .new-line + .day-line + chat-message .message-text"


async def create_room(chat: Chat, unread: int) -> int:
    """Create a room whose first messages ann has read."""
    bo, ann = await chat.logged_in("bo"), await chat.logged_in("ann")
    named = {"name": f"room-{unread}", "users": ["ann"]}
    room: int = (await bo.ask("POST", "/api/rooms", named)).json["room"]
    device, reader = await bo.connect(), await ann.connect()
    for number in range(OLD):
        last = await device.say(f"old {number}", room=room)
    await reader.send({"type": READ, "room": room, "seq": last["seq"]})
    await reader.history(room, after=last["seq"])  # after it: the position is known
    await send_messages(device, unread, room=room)
    return room


async def send_messages(device: Device, count: int, **place: Any) -> None:
    for number in range(count):
        await device.say(f"new {number}", **place)


async def expect_opened_at_new_line(window: Window, room: int) -> None:
    await window.page.goto("about:blank")
    await window.page.goto(f"/index#/room/{room}")
    await window.wait_until_loaded()
    line = window.page.locator(".new-line")
    await expect(line).to_be_in_viewport()
    await expect(window.page.locator(LINE)).to_have_text("new 0")


async def expect_unread(window: Window, count: int) -> None:
    """Require so many unread messages: only those on screen count as read."""
    badge = window.page.locator(".sidebar [aria-current] .badge-number")
    await expect(badge).not_to_have_text(str(count))
    left = int(await badge.inner_text())
    assert count - 30 < left < count
    await expect(window.page.locator(".messages-jump")).to_have_text(f"{left} new")


async def test_a_room_opens_at_its_first_unread_message(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    for unread in (1, 49, 50, 51, 61, MANY):
        await expect_opened_at_new_line(ann, await create_room(ann.chat, unread))
    await expect_unread(ann, MANY)
    phone = await ann.another(viewport={"width": 390, "height": 700}, has_touch=True)
    for window, unread in ((ann, 699), (phone, 700)):
        room = await create_room(ann.chat, unread)
        await window.page.add_init_script(COUNT_SEEN)
        await expect_opened_at_new_line(window, room)
        await window.page.wait_for_function("() => globalThis.seen > 0")
        await window.page.evaluate("location.hash = '#/room/1'")
        await expect(window.page.locator(".topbar-title")).to_have_text("Lobby")
        await window.page.evaluate(f"location.hash = '#/room/{room}'")
        await expect(window.page.locator(LINE)).not_to_have_text("new 0")
        await expect(window.page.locator(".new-line")).to_be_in_viewport()
    await expect(phone.page.locator(".messages-jump")).to_contain_text("new")
    await phone.page.locator(".messages-jump").click()
    await phone.expect_last("new 699")
    await expect(phone.page.locator(".new-line")).to_have_count(0)
    await expect(phone.page.locator(".messages-jump")).to_be_hidden()


async def test_many_messages_that_arrive_at_once_stay_unread(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    room = await create_room(ann.chat, 0)
    bo = await (await ann.chat.logged_in("bo")).connect()
    own = await (await ann.chat.logged_in("ann")).connect()
    jump = ann.page.locator(".messages-jump")

    await ann.page.goto(f"/index#/room/{room}")
    await ann.expect_last(f"old {OLD - 1}")
    await ann.open_lobby()
    await own.say("sent by the other device", room=room)
    await send_messages(bo, MANY, room=room)
    await ann.open_room("room-0")
    await expect(ann.page.locator(".new-line")).to_be_in_viewport()
    await expect(ann.page.locator(LINE)).to_have_text("new 0")
    await expect_unread(ann, MANY)
    await jump.click()
    await ann.expect_last(f"new {MANY - 1}")
    await expect(ann.page.locator(".sidebar [aria-current] .badge-number")).to_be_hidden()

    ann.allow_console_errors("ERR_INTERNET_DISCONNECTED")
    await ann.page.context.set_offline(True)
    await ann.wait_until_disconnected()
    await send_messages(bo, MANY, room=room)
    await ann.page.context.set_offline(False)
    await expect(ann.page.locator(".new-line")).to_be_in_viewport()
    await expect_unread(ann, MANY)

    await send_messages(bo, MANY, to="ann")
    await ann.open_direct("bo")
    await expect(ann.page.locator(".message-text", has_text="new 0")).to_be_in_viewport()
    await expect(ann.page.locator(".messages-scroll")).to_have_js_property("scrollTop", 0)
    await expect_unread(ann, MANY)


async def test_sending_from_the_middle_marks_nothing_as_read_and_can_return(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    await expect_opened_at_new_line(ann, await create_room(ann.chat, 700))
    badge = ann.page.locator(".sidebar [aria-current] .badge-number")
    await expect(badge).to_have_text("99+")
    await ann.say("an answer")
    await expect(ann.page.locator(".message-text", has_text="an answer")).to_be_in_viewport(ratio=1)
    await expect(badge).to_have_text("99+")
    await ann.page.locator(".messages-back").click()
    await expect(ann.page.locator(".new-line")).to_be_in_viewport()
    await expect(ann.page.locator(".messages-back")).to_be_hidden()
    await expect(badge).to_have_text("99+")


async def test_escape_marks_all_as_read_only_while_nothing_is_being_written(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    await expect_opened_at_new_line(ann, await create_room(ann.chat, MANY))
    line = ann.page.locator(".new-line")
    box = ann.page.locator("message-composer textarea")
    await box.fill("half a sentence")
    await box.press("Escape")
    await expect(line).to_be_in_viewport()
    await expect_unread(ann, MANY)
    await box.fill("")
    await box.press("Escape")
    await expect(ann.page.locator(".sidebar [aria-current] .badge-number")).to_be_hidden()
    await ann.page.locator(".messages-back").click()
    await expect(line).to_be_in_viewport()


async def test_after_sending_from_read_messages_the_end_is_marked_as_read(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    await expect_opened_at_new_line(ann, await create_room(ann.chat, 1))
    badge = ann.page.locator(".sidebar [aria-current] .badge-number")
    await expect(badge).to_be_hidden()
    await ann.page.locator(".messages-scroll").evaluate("(list) => list.scrollTo(0, 0)")
    await expect(ann.page.locator(".messages-jump")).to_be_visible()
    await ann.say("an answer")
    await expect(ann.page.locator(".messages-back")).to_be_visible()
    room = int(ann.page.url.rsplit("/", 1)[1])
    await (await (await ann.chat.logged_in("bo")).connect()).say("thanks", room=room)
    await ann.expect_last("thanks")
    await expect(badge).to_be_hidden()
    await expect(ann.page.locator(".new-line")).to_have_count(0)
    await ann.say("you are welcome")
    await expect(ann.page.locator(".messages-back")).to_be_hidden()


async def test_scrolled_messages_stay_read_after_a_reload(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    await expect_opened_at_new_line(ann, await create_room(ann.chat, MANY))
    badge = ann.page.locator(".sidebar [aria-current] .badge-number")
    await expect_unread(ann, MANY)
    opened = int(await badge.inner_text())
    await ann.page.reload()
    await ann.wait_until_loaded()
    await expect(badge).not_to_have_text(str(opened))  # one more screen of them
    first = await ann.page.locator(LINE).inner_text()
    assert int(first.removeprefix("new ")) >= MANY - opened


async def test_a_room_with_a_text_file_opens_at_its_end(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    user = await ann.chat.logged_in("ann")
    device = await user.connect()
    await send_messages(device, 20, room=LOBBY)
    lines = "".join(f"line {number}\n" for number in range(20))
    file = (await upload(user, lines.encode(), name="notes.txt"))["id"]
    await user.ask("POST", "/api/rooms/1/messages", {"data": "", "files": [file]})
    await device.say("What do you think?", room=LOBBY)
    await ann.page.reload()
    await ann.wait_until_loaded()
    await expect(ann.page.locator(".text-sample")).to_contain_text("line 7")
    await expect(ann.page.locator("chat-message").last).to_be_in_viewport(ratio=1)
    await expect(ann.page.locator(".messages-jump")).to_be_hidden()

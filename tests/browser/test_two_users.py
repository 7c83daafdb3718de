"""Main scenario: two users meet, exchange messages, and lose the server for a while."""

import os
import signal

import aiohttp
import msgspec
import pytest
from playwright.async_api import expect

from chatserver.protocol import Type
from tests.browser.conftest import OpenWindow
from tests.browser.window import Window, setup_link
from tests.driver import PASSWORD
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


BURST = 20  # messages at once, twice: the server hears some of the first and none of the second
AWAY = r"WebSocket connection to .* failed|ERR_CONNECTION_RE(FUSED|SET) .*/api/users"
SEND_MANY = """([first, last]) => {
  for (let number = first; number <= last; number += 1) {
    document.querySelector("#composer-text").value = `第 ${number} 句`;
    document.querySelector("message-composer form").requestSubmit();
  }
}"""
ACKNOWLEDGED = """(count) => [...document.querySelectorAll("chat-message")]
  .filter(({ dataset }) => dataset.state === "sent").length > count"""


async def test_two_users_exchange_messages_despite_a_killed_server(
    server: ServerProcess, open_window: OpenWindow
) -> None:
    ann = await open_window(server.url)
    bo = await open_window(server.url, locale="zh-CN")
    await set_up_users(server, ann, bo)
    await exchange_messages_in_the_lobby(ann, bo)
    await exchange_direct_messages(ann, bo)
    await continue_after_a_killed_server(server, ann, bo)
    for window in (ann, bo):
        assert await window.texts() == (await history(server))[1]
    await ann.log_out()
    await ann.page.goto("/index")
    await ann.page.wait_for_url("**/login")
    await bo.expect_online("bo")


async def set_up_users(server: ServerProcess, ann: Window, bo: Window) -> None:
    await ann.page.goto(setup_link(server.lines))
    await expect(ann.page.locator("#token")).to_be_hidden()
    await expect(ann.page).to_have_url(f"{server.url}/setup")
    await ann.sign_up(setup_link(server.lines), "ann", "Ann")
    await expect(ann.page.locator("html")).to_have_attribute("lang", "en")
    await bo.sign_up(await ann.invite(), "bo", "陈波")
    await expect(bo.page.locator("html")).to_have_attribute("lang", "zh-Hans")
    await expect(bo.page.locator(".topbar-title")).to_have_text("大厅")
    await ann.expect_online("ann", "bo")
    await bo.expect_online("bo", "ann")
    await expect(bo.page.locator(".topbar-details")).to_have_text("2 人在线")


async def exchange_messages_in_the_lobby(ann: Window, bo: Window) -> None:
    await ann.say("Good morning, everybody")
    await bo.expect_last("Good morning, everybody")
    await type_with_an_input_method(bo)
    await ann.expect_last("大家好")
    await expect(ann.page.locator("chat-message .message-author").last).to_have_text("陈波")


async def type_with_an_input_method(bo: Window) -> None:
    """The page ignores an Enter that confirms a candidate of the input method."""
    box = bo.page.locator("#composer-text")
    await box.focus()
    keyboard = await bo.page.context.new_cdp_session(bo.page)
    candidate = {"text": "大家好", "selectionStart": 3, "selectionEnd": 3}
    await keyboard.send("Input.imeSetComposition", candidate)
    assert not await bo.press("#composer-text", "Enter", isComposing=True)
    await keyboard.send("Input.insertText", {"text": "大家好"})
    assert not await bo.press("#composer-text", "Enter", keyCode=229)  # as Safari reports it
    await expect(box).to_have_value("大家好")
    assert await bo.texts() == ["Good morning, everybody"]
    await bo.page.keyboard.press("Enter")
    await expect(box).to_have_value("")


async def exchange_direct_messages(ann: Window, bo: Window) -> None:
    await bo.open_user("ann")
    await bo.say("只有你能看到")
    badge = ann.page.locator("[data-section=direct] li[data-user=bo] .badge-number")
    await expect(badge).to_have_text("1")
    await expect(ann.page).to_have_title("(1) Lobby · chatserver")
    await ann.open_user("bo")
    await ann.expect_last("只有你能看到")
    await expect(badge).to_be_hidden()
    await ann.say("Nobody else <can> & will")
    await bo.expect_last("Nobody else <can> & will")
    await ann.open_lobby()
    await bo.open_lobby()
    await ann.expect_last("大家好")


async def continue_after_a_killed_server(server: ServerProcess, ann: Window, bo: Window) -> None:
    for window in (ann, bo):
        window.allow_console_errors(AWAY)
        await window.page.evaluate("globalThis.untouched = true")
    before = await ann.texts()
    sent = await send_while_the_server_dies(server, ann, len(before))
    await bo.say("Are you there?")
    waits = bo.page.locator("[data-state=waiting] .message-problem")
    await expect(waits).to_have_text("恢复连接后自动发送")
    server.start()
    for window in (ann, bo):
        await expect(window.page.locator("chat-message")).to_have_count(len(before) + len(sent) + 1)
        await expect(window.page.locator("chat-message:not([data-state=sent])")).to_have_count(0)
        new = (await window.texts())[len(before) :]
        assert sorted(new) == sorted([*sent, "Are you there?"])
        assert [text for text in new if text in sent] == sent
        assert await window.unsent() == 0
        assert await window.page.evaluate("globalThis.untouched")


async def send_while_the_server_dies(server: ServerProcess, ann: Window, before: int) -> list[str]:
    """Send messages, of which some are answered, some may be stored, and some never arrive."""
    await ann.page.evaluate(SEND_MANY, [1, BURST])
    await ann.page.wait_for_function(ACKNOWLEDGED, arg=before)
    os.kill(server.pid, signal.SIGSTOP)
    await ann.page.evaluate(SEND_MANY, [BURST + 1, 2 * BURST])
    await expect(ann.page.locator("[data-state=sending]")).not_to_have_count(0)
    server.kill()
    await expect(ann.page.locator("[data-state=waiting]")).not_to_have_count(0)
    return [f"第 {number} 句" for number in range(1, 2 * BURST + 1)]


async def history(server: ServerProcess) -> dict[int, list[str]]:
    """Return the stored texts by room, read over a connection of bo."""
    rooms = {}
    async with aiohttp.ClientSession(server.url) as http:
        form = {"username": "bo", "password": PASSWORD}
        async with http.post("/login", json=form) as answer:
            token = answer.headers["Authorization"]
        async with http.ws_connect("/ws", headers={"Authorization": token}) as ws:
            welcome = msgspec.json.decode((await ws.receive()).data)
            for room in (known["room"] for known in welcome["rooms"]):
                await ws.send_json(
                    {"type": Type.HISTORY, "id": f"room {room}", "room": room, "after": 0}
                )
                reply = msgspec.json.decode((await ws.receive()).data)
                while reply.get("id") != f"room {room}":
                    reply = msgspec.json.decode((await ws.receive()).data)
                rooms[room] = [event["data"] for event in reply["events"]]
    return rooms

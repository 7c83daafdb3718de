"""Network faults: afterwards the page shows all messages of the room, once and in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from chatserver.protocol import Type
from tests.browser.proxy import Judge, Proxy, Verdict
from tests.browser.window import Window, setup_link
from tests.driver import PASSWORD, ask
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER = 4  # bytes of a frame to the page, at most, before its text
COUNT = 12  # messages that each side sends while something is wrong
SEND_MANY = """([name, count]) => {
  for (let number = 1; number <= count; number += 1) {
    document.querySelector("#composer-text").value = `${name}: ann ${number}`;
    document.querySelector("message-composer form").requestSubmit();
  }
}"""
STATES = "() => [...document.querySelectorAll('chat-message')].map(({dataset}) => dataset.state)"
A_MINUTE_LATER = """() => {
  const now = Date.now.bind(Date);
  Date.now = () => now() + 60_000;
  document.dispatchEvent(new Event("visibilitychange"));
}"""
ENTRY = "[data-section=rooms] li:has-text('Disks') .badge-number"


class BadNetwork:
    """ann's page behind the proxy; bo and ann's other device with direct connections."""

    def __init__(self, server: ServerProcess, proxy: Proxy, ann: Window) -> None:
        self.server = server
        self.proxy = proxy
        self.ann = ann
        self.tokens: dict[str, str] = {}
        self.http = aiohttp.ClientSession()

    async def call(self, who: str, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": self.tokens[who]}
        answer = await ask(self.http, method, self.server.url + path, body, headers)
        assert answer.status in (200, 201), answer
        return answer.json

    async def bo_says(self, name: str, room: str = "lobby", *, count: int = COUNT) -> None:
        for number in range(1, count + 1):
            text = f"{name}: bo {number}"
            await self.call("bo", "POST", f"/api/rooms/{room}/messages", {"data": text})

    async def ann_says(self, name: str, page: Page | None = None, *, count: int = COUNT) -> None:
        await (page or self.ann.page).evaluate(SEND_MANY, [name, count])

    async def both_say(self, name: str) -> None:
        await self.ann_says(name)
        await self.bo_says(name)
        await self.bo_says(name, "disks", count=2)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def line(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BadNetwork]:
    server = ServerProcess(tmp_path_factory.mktemp("line") / "data").start()
    try:
        async with Proxy(server.port) as proxy:
            context = await browser.new_context(base_url=proxy.url, locale="en-GB")
            made = BadNetwork(server, proxy, await Window.open(context))
            await move_in(made)
            yield made
            await context.close()
            await made.http.close()
            assert made.ann.problems == []
    finally:
        server.kill()


async def move_in(line: BadNetwork) -> None:
    """Sign in ann, who is in the lobby, and bo; create a room that ann does not open."""
    line.ann.expect_complaints("WebSocket|ERR_|Failed to load resource")
    token = setup_link(line.server.lines).partition("#")[2]
    await line.ann.sign_up(f"/setup#{token}", "ann", "Ann")
    line.tokens["ann"] = await signed_in(line, "/login", {"username": "ann"})
    code = (await line.call("ann", "POST", "/api/invites", {"uses": 1, "days": 1}))["code"]
    line.tokens["bo"] = await signed_in(line, f"/join/{code}", {"username": "bo"})
    room = {"name": "disks", "title": "Disks", "users": ["bo"]}
    await line.call("ann", "POST", "/api/rooms", room)
    await line.call("ann", "PATCH", "/api/rooms/disks", {"topic": "so that it is not empty"})


async def signed_in(line: BadNetwork, path: str, form: dict[str, str]) -> str:
    form |= {"password": PASSWORD}
    async with line.http.post(line.server.url + path, json=form) as response:
        response.raise_for_status()
        return response.headers["Authorization"]


# Faults ------------------------------------------------------------------------------------------


def every(step: int, verdict: Verdict, mark: bytes = b"") -> Judge:
    """Return a judge for each `step`-th frame that begins with `mark`."""
    seen = 0

    def judge(frame: bytes) -> Verdict:
        nonlocal seen
        meant = mark in frame[: HEADER + len(mark)]
        seen += meant
        return verdict if meant and seen % step == 0 else "pass"

    return judge


def once(at: int, verdict: Verdict) -> Judge:
    seen = 0

    def judge(_frame: bytes) -> Verdict:
        nonlocal seen
        seen += 1
        return verdict if seen == at else "pass"

    return judge


async def messages_are_dropped(line: BadNetwork) -> None:
    line.proxy.down = every(3, "drop", b'{"type":2,"room":1,')
    await line.both_say("dropped")


async def frames_are_doubled(line: BadNetwork) -> None:
    line.proxy.down, line.proxy.up = every(1, "double"), every(1, "double")
    await line.both_say("doubled")


async def frames_are_late(line: BadNetwork) -> None:
    line.proxy.delay = 0.05
    await line.both_say("late")


async def the_line_is_cut_in_the_middle_of_a_send(line: BadNetwork) -> None:
    line.proxy.up = once(4, "cut")
    await line.both_say("cut")


async def the_line_is_cut_in_the_middle_of_what_comes(line: BadNetwork) -> None:
    line.proxy.down = once(5, "cut")
    await line.both_say("half")


async def the_server_is_killed_and_comes_back(line: BadNetwork) -> None:
    await line.both_say("before")
    await line.ann_says("dying")
    line.server.kill()
    await line.ann_says("dead", count=3)
    line.server.start()


async def the_tab_sleeps_for_a_minute(line: BadNetwork) -> None:
    """Messages are lost without a close of the connection."""
    devtools = await line.ann.page.context.new_cdp_session(line.ann.page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    line.proxy.down = every(1, "drop")
    await line.bo_says("asleep")
    await line.bo_says("asleep", "disks", count=2)
    line.proxy.behave()
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await line.ann.page.evaluate(A_MINUTE_LATER)


async def nothing_comes_through_for_a_while(line: BadNetwork) -> None:
    line.proxy.pause()
    await line.both_say("paused")


async def there_are_two_tabs(line: BadNetwork) -> None:
    other = await line.ann.page.context.new_page()
    await other.goto("/index")
    await expect(other.locator("message-list")).to_have_attribute("data-state", "loaded")
    line.proxy.up = once(9, "cut")
    await line.ann_says("tab one")
    await line.ann_says("tab two", other)
    await line.bo_says("to both")
    line.proxy.behave()
    await shows_the_room(line, other)
    await other.close()


async def another_device_reads(line: BadNetwork) -> None:
    await line.bo_says("elsewhere", "disks", count=3)
    await expect(line.ann.page.locator(ENTRY)).not_to_be_empty()
    headers = {"Authorization": line.tokens["ann"]}
    async with line.http.ws_connect(f"{line.server.url}/ws", headers=headers) as device:
        rooms = (await device.receive_json())["rooms"]
        disks = next(room for room in rooms if room["name"] == "disks")
        await device.send_json({"type": Type.READ, "room": disks["room"], "seq": disks["head"]})
        await expect(line.ann.page.locator(ENTRY)).to_be_hidden()


FAULTS: list[Callable[[BadNetwork], Awaitable[None]]] = [
    messages_are_dropped,
    frames_are_doubled,
    frames_are_late,
    the_line_is_cut_in_the_middle_of_a_send,
    the_line_is_cut_in_the_middle_of_what_comes,
    nothing_comes_through_for_a_while,
    the_server_is_killed_and_comes_back,
    the_tab_sleeps_for_a_minute,
    there_are_two_tabs,
    another_device_reads,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_the_page_shows_the_room_after_a_fault(
    line: BadNetwork, fault: Callable[[BadNetwork], Awaitable[None]]
) -> None:
    await fault(line)
    line.proxy.behave()
    with suppress(Exception):  # otherwise the page waits for its back-off
        await line.ann.page.locator(".banner-retry").click(timeout=100)
    await line.bo_says("at last", count=1)
    await shows_the_room(line, line.ann.page)
    assert await line.ann.unsent() == 0
    await counts_what_is_unread(line)


async def shows_the_room(line: BadNetwork, page: Page) -> None:
    """Require all stored messages once, in order, and no others."""
    async with asyncio.timeout(15):
        while True:
            stored = await newest(line)
            shown = await page.locator(".message-text").all_text_contents()
            states = await page.evaluate(STATES)
            if shown[-50:] == stored[-50:] and set(states) == {"sent"}:
                return
            await page.wait_for_timeout(100)


async def newest(line: BadNetwork) -> list[str]:
    page = await line.call("bo", "GET", "/api/rooms/lobby/events?limit=50")
    return [event["data"] for event in page["events"] if event["type"] == Type.GROUP_CHAT]


async def counts_what_is_unread(line: BadNetwork) -> None:
    rooms = (await line.call("ann", "GET", "/api/rooms"))["rooms"]
    unread = next(room["unread"] for room in rooms if room["name"] == "disks")
    badge = line.ann.page.locator(ENTRY)
    if unread:
        await expect(badge).to_have_text(str(unread))
    else:
        await expect(badge).to_be_hidden()

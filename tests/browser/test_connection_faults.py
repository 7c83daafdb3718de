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
COUNT = 12  # messages that each side sends during a fault
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
UNREAD_BADGE = "[data-section=rooms] li:has-text('Disks') .badge-number"


class FaultyNetwork:
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

    async def bo_sends(self, name: str, room: str = "lobby", *, count: int = COUNT) -> None:
        for number in range(1, count + 1):
            text = f"{name}: bo {number}"
            await self.call("bo", "POST", f"/api/rooms/{room}/messages", {"data": text})

    async def ann_sends(self, name: str, page: Page | None = None, *, count: int = COUNT) -> None:
        await (page or self.ann.page).evaluate(SEND_MANY, [name, count])

    async def both_send(self, name: str) -> None:
        await self.ann_sends(name)
        await self.bo_sends(name)
        await self.bo_sends(name, "disks", count=2)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def network(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FaultyNetwork]:
    server = ServerProcess(tmp_path_factory.mktemp("network") / "data").start()
    try:
        async with Proxy(server.port) as proxy:
            context = await browser.new_context(
                base_url=proxy.url, locale="en-GB", service_workers="block"
            )
            bad_network = FaultyNetwork(server, proxy, await Window.open(context))
            await set_up_users(bad_network)
            yield bad_network
            await context.close()
            await bad_network.http.close()
            assert bad_network.ann.problems == []
    finally:
        server.kill()


async def set_up_users(network: FaultyNetwork) -> None:
    """Log in ann, who is in the lobby, and bo; create a room that ann does not open."""
    network.ann.allow_console_errors("WebSocket|ERR_|Failed to load resource")
    token = setup_link(network.server.lines).partition("#")[2]
    await network.ann.sign_up(f"/setup#{token}", "ann", "Ann")
    network.tokens["ann"] = await log_in(network, "/login", {"username": "ann"})
    code = (await network.call("ann", "POST", "/api/invites", {"uses": 1, "days": 1}))["code"]
    network.tokens["bo"] = await log_in(network, f"/join/{code}", {"username": "bo"})
    room = {"name": "disks", "title": "Disks", "users": ["bo"]}
    await network.call("ann", "POST", "/api/rooms", room)
    await network.call("ann", "PATCH", "/api/rooms/disks", {"topic": "so that it is not empty"})


async def log_in(network: FaultyNetwork, path: str, form: dict[str, str]) -> str:
    form |= {"password": PASSWORD}
    async with network.http.post(network.server.url + path, json=form) as response:
        response.raise_for_status()
        return response.headers["Authorization"]


# Faults ------------------------------------------------------------------------------------------


def every(step: int, verdict: Verdict, mark: bytes = b"") -> Judge:
    """Return a judge that gives `verdict` to each `step`-th frame that begins with `mark`."""
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


async def messages_are_dropped(network: FaultyNetwork) -> None:
    network.proxy.down = every(3, "drop", b'{"type":2,"room":1,')
    await network.both_send("dropped")


async def frames_are_duplicated(network: FaultyNetwork) -> None:
    network.proxy.down, network.proxy.up = every(1, "double"), every(1, "double")
    await network.both_send("doubled")


async def frames_are_late(network: FaultyNetwork) -> None:
    network.proxy.delay = 0.05
    await network.both_send("late")


async def the_connection_is_cut_while_sending(network: FaultyNetwork) -> None:
    network.proxy.up = once(4, "cut")
    await network.both_send("cut")


async def the_connection_is_cut_while_receiving(network: FaultyNetwork) -> None:
    network.proxy.down = once(5, "cut")
    await network.both_send("half")


async def the_server_is_killed_and_comes_back(network: FaultyNetwork) -> None:
    await network.both_send("before")
    await network.ann_sends("dying")
    network.server.kill()
    await network.ann_sends("dead", count=3)
    network.server.start()


async def the_tab_sleeps_for_a_minute(network: FaultyNetwork) -> None:
    """Messages are lost while the connection stays open."""
    devtools = await network.ann.page.context.new_cdp_session(network.ann.page)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    network.proxy.down = every(1, "drop")
    await network.bo_sends("asleep")
    await network.bo_sends("asleep", "disks", count=2)
    network.proxy.stop_faults()
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await network.ann.page.evaluate(A_MINUTE_LATER)


async def the_network_stalls(network: FaultyNetwork) -> None:
    network.proxy.pause()
    await network.both_send("paused")


async def two_tabs_are_open(network: FaultyNetwork) -> None:
    other = await network.ann.page.context.new_page()
    await other.goto("/index")
    await expect(other.locator("message-list")).to_have_attribute("data-state", "loaded")
    network.proxy.up = once(9, "cut")
    await network.ann_sends("tab one")
    await network.ann_sends("tab two", other)
    await network.bo_sends("to both")
    network.proxy.stop_faults()
    await expect_all_messages(network, other)
    await other.close()


async def another_device_reads(network: FaultyNetwork) -> None:
    await network.bo_sends("elsewhere", "disks", count=3)
    await expect(network.ann.page.locator(UNREAD_BADGE)).not_to_be_empty()
    headers = {"Authorization": network.tokens["ann"]}
    async with network.http.ws_connect(f"{network.server.url}/ws", headers=headers) as device:
        rooms = (await device.receive_json())["rooms"]
        disks = next(room for room in rooms if room["name"] == "disks")
        await device.send_json({"type": Type.READ, "room": disks["room"], "seq": disks["head"]})
        await expect(network.ann.page.locator(UNREAD_BADGE)).to_be_hidden()


FAULTS: list[Callable[[FaultyNetwork], Awaitable[None]]] = [
    messages_are_dropped,
    frames_are_duplicated,
    frames_are_late,
    the_connection_is_cut_while_sending,
    the_connection_is_cut_while_receiving,
    the_network_stalls,
    the_server_is_killed_and_comes_back,
    the_tab_sleeps_for_a_minute,
    two_tabs_are_open,
    another_device_reads,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_the_page_shows_the_room_after_a_fault(
    network: FaultyNetwork, fault: Callable[[FaultyNetwork], Awaitable[None]]
) -> None:
    await fault(network)
    network.proxy.stop_faults()
    with suppress(Exception):  # without it the page waits for its back-off
        await network.ann.page.locator(".banner-retry").click(timeout=100)
    await network.bo_sends("at last", count=1)
    await expect_all_messages(network, network.ann.page)
    assert await network.ann.unsent() == 0
    await expect_unread_count(network)


async def expect_all_messages(network: FaultyNetwork, page: Page) -> None:
    """Require all stored messages once, in order, and no others."""
    async with asyncio.timeout(15):
        while True:
            stored = await newest_texts(network)
            shown = await page.locator(".message-text").all_text_contents()
            states = await page.evaluate(STATES)
            if shown[-50:] == stored[-50:] and set(states) == {"sent"}:
                return
            await page.wait_for_timeout(100)


async def newest_texts(network: FaultyNetwork) -> list[str]:
    page = await network.call("bo", "GET", "/api/rooms/lobby/events?limit=50")
    return [event["data"] for event in page["events"] if event["type"] == Type.GROUP_CHAT]


async def expect_unread_count(network: FaultyNetwork) -> None:
    rooms = (await network.call("ann", "GET", "/api/rooms"))["rooms"]
    unread = next(room["unread"] for room in rooms if room["name"] == "disks")
    badge = network.ann.page.locator(UNREAD_BADGE)
    if unread:
        await expect(badge).to_have_text(str(unread))
    else:
        await expect(badge).to_be_hidden()

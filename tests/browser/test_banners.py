"""Banners about the page: new version, missing features, too many windows."""

import json
from typing import Any

import pytest
from playwright.async_api import WebSocketRoute, expect

from chatserver.protocol import Type
from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_outdated_page_reloads_itself_if_nothing_is_unsent(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("ERR_INTERNET_DISCONNECTED")
    banner = ann.page.locator("update-banner")
    await ann.page.locator("#composer-text").fill("half a thought")

    def newer(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda text: route.send(changed(str(text), page="newer")))

    await ann.page.route_web_socket("**/ws?*", newer)
    await ann.page.evaluate("globalThis.before = true")
    await ann.page.context.set_offline(True)
    await ann.page.context.set_offline(False)
    await expect(banner).to_contain_text("A new version of the chat is available.")
    assert await ann.page.evaluate("globalThis.before")
    await ann.page.locator("#composer-text").fill("")
    await ann.page.wait_for_function("() => !globalThis.before")
    await ann.wait_until_loaded()
    await expect(banner).to_contain_text("A new version of the chat is available.")  # no loop
    await ann.page.unroute_all()


def changed(text: str, **facts: Any) -> str:
    frame = json.loads(text)
    return json.dumps(frame | facts) if frame["type"] == Type.WELCOME else text


@pytest.mark.parametrize("broken", ["main.js", "findLast"])
async def test_a_page_that_cannot_start_lists_supported_browsers(
    enter: EnterChat, broken: str
) -> None:
    ann = await enter("ann", "Ann")
    await expect(ann.page.locator("#unsupported")).to_be_hidden()
    if broken == "main.js":
        await ann.page.route("**/js/main.js", lambda route: route.fulfill(body="syntax error"))
    else:
        await ann.page.add_init_script("delete Array.prototype.findLast")
    await ann.page.reload()
    await expect(ann.page.locator("#unsupported")).to_contain_text("Firefox 125")
    ann.problems.clear()  # the exceptions of a page that cannot start


async def test_a_window_above_the_limit_shows_a_banner(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    banner = ann.page.locator("connection-banner")
    ann.allow_console_errors("ERR_INTERNET_DISCONNECTED")
    await ann.page.context.set_offline(True)
    await ann.wait_until_disconnected()
    devices = [await (await ann.chat.logged_in("ann")).connect() for _ in range(10)]
    await ann.page.context.set_offline(False)
    await expect(banner).to_contain_text("too many windows")
    await devices[0].close()
    await ann.page.locator(".banner-retry").click()
    await expect(banner).to_have_attribute("data-state", "hidden")

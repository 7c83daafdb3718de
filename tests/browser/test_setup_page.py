"""The setup page asks for the token only if the URL does not contain it."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import setup_link
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_token_in_the_link_is_not_asked_for(
    server: ServerProcess, open_window: OpenWindow
) -> None:
    window = await open_window(server.url)
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await window.page.route("**/account-form.js", hold)
    await window.page.goto(setup_link(server.lines), wait_until="commit")
    await expect(window.page.locator("#username")).to_be_visible()
    await expect(window.page.locator("#token")).to_be_hidden()  # before the script
    held.set()
    await expect(window.page.locator("#token")).not_to_have_value("")
    await expect(window.page.locator("#token")).to_be_hidden()
    await expect(window.page).to_have_url(f"{server.url}/setup")


async def test_without_a_token_in_the_url_it_is_asked_for(
    server: ServerProcess, open_window: OpenWindow
) -> None:
    for script in (True, False):
        window = await open_window(server.url, java_script_enabled=script)
        await window.page.goto("/setup")
        await expect(window.page.locator("#token")).to_be_visible()

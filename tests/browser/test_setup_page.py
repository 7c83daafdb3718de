"""The setup page asks for the token only if the URL does not contain it."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import setup_link
from tests.driver import PASSWORD
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


async def test_the_page_follows_the_chosen_language_and_a_reload_keeps_what_was_entered(
    server: ServerProcess, open_window: OpenWindow
) -> None:
    window = await open_window(server.url)
    page = window.page
    await page.goto(setup_link(server.lines))
    await page.locator("#username").fill("ann")
    await page.locator("#display").fill("Ann Lee")
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#locale").focus()
    await page.locator("#locale").select_option("zh_CN")
    await expect(page.locator("[type=submit]")).to_have_text("创建账号")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    await expect(page.locator("#locale")).to_be_focused()
    await expect(page.locator("#password")).to_have_value(PASSWORD)
    await expect(page.locator("password-field .field-hint")).not_to_contain_text("character")
    await page.reload()
    await expect(page.locator("[type=submit]")).to_have_text("创建账号")
    await expect(page.locator("#username")).to_have_value("ann")
    await expect(page.locator("#display")).to_have_value("Ann Lee")
    await expect(page.locator("#locale")).to_have_value("zh_CN")
    await expect(page.locator("#password")).to_have_value("")
    await expect(page.locator("#token")).to_be_hidden()
    assert PASSWORD not in await page.evaluate("JSON.stringify(sessionStorage)")
    await page.locator("#locale").select_option("en")
    await expect(page.locator("[type=submit]")).to_have_text("Create account")
    await page.locator("#password").fill(PASSWORD)
    await page.locator("[type=submit]").click()
    await page.wait_for_url("**/index")
    assert await page.evaluate("JSON.stringify(sessionStorage)") == "{}"

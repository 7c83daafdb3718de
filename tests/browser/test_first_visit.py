"""First visit: messages are shown first, and other modules are loaded later."""

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")

REQUESTED_SCRIPTS = """() => performance.getEntriesByType("resource")
  .map(({ name }) => new URL(name).pathname)
  .filter((path) => path.endsWith(".js"))"""
PRELOADED_SCRIPTS = """() => [...document.querySelectorAll("link[rel=modulepreload]")]
  .map(({ href }) => new URL(href).pathname)"""


@pytest.mark.parametrize("path", ["/index", "/login?switch", "/admin/people"])
async def test_the_page_preloads_every_module_of_its_script(enter: EnterChat, path: str) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.route("**/lazy-bundle.js", lambda route: route.abort())
    ann.allow_console_errors("lazy-bundle.js")
    await ann.page.goto(path)
    await expect(ann.page.locator("chat-app, account-form, admin-users").first).to_be_visible()
    await ann.page.wait_for_function(
        f"({PRELOADED_SCRIPTS})().every((one) => ({REQUESTED_SCRIPTS})().includes(one))"
    )
    requested, preloaded = (
        await ann.page.evaluate(REQUESTED_SCRIPTS),
        await ann.page.evaluate(PRELOADED_SCRIPTS),
    )
    assert requested
    others = ("theme.js", "browser-check.js", "lazy-bundle.js")
    assert {name for name in requested if not name.endswith(others)} == set(preloaded)


async def test_a_click_before_its_module_is_loaded_is_handled_later(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await ann.page.route("**/lazy-bundle.js", hold)
    await ann.page.reload()
    message_list = ann.page.locator("message-list")
    await expect(message_list).to_have_attribute("data-state", "loaded")
    await ann.page.locator(".topbar-invite").click()
    await ann.page.keyboard.press("Control+/")
    await expect(ann.page.locator("dialog[open]")).to_have_count(0)
    await ann.say("written meanwhile")
    await ann.expect_last("written meanwhile")
    await ann.page.locator("[data-section=online] a").first.click()  # what needs no dialog
    await expect(ann.page.locator("message-list")).to_have_attribute("data-kind", "self")
    await expect(ann.page.locator("settings-dialog:defined")).to_have_count(0)
    for route in held:
        await route.continue_()
    await expect(ann.page.locator("invite-dialog dialog")).to_be_visible()
    await expect(ann.page.locator("keys-dialog dialog")).to_be_visible()


async def test_dialogs_open_after_a_failed_load(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("lazy-bundle.js")
    await ann.page.route("**/lazy-bundle.js", lambda route: route.abort(), times=1)
    await ann.page.reload()
    await ann.wait_until_loaded()
    await ann.page.locator(".topbar-invite").click()
    await expect(ann.page.locator("invite-dialog dialog")).to_be_visible()

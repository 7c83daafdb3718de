"""Administration pages: users, invitations, rooms, bots, check of the server."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import EnterChat
from tests.browser.test_accessibility import BY_AXE, DESK, PHONE, expect_no_violations
from tests.browser.window import Window
from tests.driver import PASSWORD, ask
from tests.storage.crowded import make_rooms

# What api.js does for a 401; without timers, so that only the socket can say more.
REFUSED_BEFORE_THE_SOCKET_CLOSES = """() => {
  globalThis.setTimeout = () => 0;
  document.dispatchEvent(new CustomEvent("session:ended", { cancelable: true }));
}"""

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_administrator_uses_all_pages(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    ann.allow_console_errors(f"{BY_AXE}|status of 403")
    bo.allow_console_errors("status of 401|WebSocket")
    await ann.page.locator(".account-button").click()
    await ann.page.get_by_role("link", name="Administration").click()
    await users_are_managed(ann, bo)
    await a_user_is_invited(ann)
    await a_room_is_archived(ann)
    await a_conversation_is_removed(ann)
    await a_bot_is_created(ann)
    await the_server_is_healthy(ann)


async def open_page(page: Page, name: str, element: str) -> None:
    """Follow a link of the administration, and wait until its element handles clicks."""
    await page.get_by_role("link", name=name).click()
    await expect(page.locator(f"{element}:defined")).to_be_attached()


async def users_are_managed(ann: Window, bo: Window) -> None:
    page = ann.page
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.locator("[type=search]").fill("BO")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect_no_violations(ann)
    await page.set_viewport_size(DESK)
    await page.keyboard.press("Tab")
    await page.locator("[data-opens]").press("Enter")
    user = page.locator("[data-name=user]")
    await user.locator("[name=display]").fill("Bobby")
    await page.keyboard.press("Enter")
    await expect(user.locator("h2")).to_have_text("Bobby")
    await user.locator(".user-reset").click()
    await page.locator(".confirm-yes").click()
    password = user.locator("copy-field input")
    await expect(password).to_have_value(re.compile(r"\w{4}(-\w{4}){3}"))
    await bo.expect_logged_out()
    await bo.page.locator(".banner-login").click()
    await bo.page.locator("#username").fill("bo")
    await bo.page.locator("#password").fill(await password.input_value())
    await bo.page.locator("[type=submit]").click()
    await bo.wait_until_loaded()
    await user.locator("[name=display]").fill("Half typed")
    await bo.page.evaluate(REFUSED_BEFORE_THE_SOCKET_CLOSES)
    await user.locator(".user-disable").click()
    await page.locator(".confirm-yes").click()
    await expect(page.locator("tbody .tag")).to_have_text("Disabled")
    await expect(user.locator("[name=display]")).to_have_value("Half typed")
    await bo.expect_logged_out()
    await expect(bo.page.locator("connection-banner")).to_contain_text("no longer have access")
    await user.locator(".dialog-close").click()
    await page.locator(".confirm-yes").click()  # the half-typed name is discarded
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.locator("[type=search]").fill("")
    await row(ann, "Ann").get_by_role("button").click()
    await user.locator(".user-admin").click()
    await page.locator(".confirm-yes").click()
    await expect(user.locator(".form-problem")).to_contain_text("last administrator")
    await user.locator(".dialog-close").click()


async def a_user_is_invited(ann: Window) -> None:
    page = ann.page
    await open_page(page, "Invitations", "admin-invites")
    await page.locator("#uses").fill("2")
    await page.get_by_role("button", name="Create link").click()
    picture = page.locator(".qr img")
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("picture => picture.naturalWidth") > 0
    await expect_no_violations(ann, DESK)
    link = await page.locator("copy-field input").input_value()
    form = {"username": "cy", "password": PASSWORD}
    assert (await ask(ann.chat.browser(), "POST", link, form)).status == 200
    await page.locator(".dialog-close").click()
    await page.locator(".revoke").click()
    await page.locator(".confirm-yes").click()
    await expect(page.locator(".admin-none")).to_be_visible()


async def a_room_is_archived(ann: Window) -> None:
    page = ann.page
    cy = await ann.chat.logged_in("cy")
    assert (await cy.ask("POST", "/api/rooms", {"name": "den", "title": "Den"})).status == 201
    await open_page(page, "Rooms", "admin-rooms")
    await row(ann, "Den").get_by_role("button").click()
    dialog = page.locator("[data-name=room]")
    await expect(dialog).to_contain_text("@cy")
    await dialog.locator("select").select_option("30")
    await dialog.get_by_role("button", name="Save").click()
    await page.locator(".confirm-yes").click()
    await expect(row(ann, "Den")).to_contain_text("30 days")
    await dialog.locator(".room-archive").click()
    await page.locator(".confirm-yes").click()
    await expect(row(ann, "Den").locator(".tag")).to_have_text("Archived")
    await expect_no_violations(ann, PHONE)
    await page.set_viewport_size(DESK)
    await dialog.locator(".dialog-close").click()


async def a_conversation_is_removed(ann: Window) -> None:
    """Remove a conversation on the page of rooms."""
    page = ann.page
    found = await ann.chat.server.users.find("bo")
    assert found is not None
    (room,) = await make_rooms(ann.chat.server.database, 1, [found[0].id])
    await page.reload()
    listed = page.locator("admin-conversations tbody tr")
    await expect(listed.locator(".cell-title")).to_have_text("@bo")
    await expect_no_violations(ann, DESK)
    await page.locator("#order").select_option("events")
    await listed.locator(".conversation-remove").click()
    await page.locator(".confirm-yes").click()
    await expect(page.locator("admin-conversations .admin-none")).to_be_visible()
    assert await ann.chat.server.rooms.state(found[0].id, room) is None


async def a_bot_is_created(ann: Window) -> None:
    page = ann.page
    await open_page(page, "Bots", "admin-bots")
    await page.get_by_role("button", name="New bot").click()
    await page.locator("#bot-name").fill("robot")
    await page.keyboard.press("Enter")
    token = page.locator("[data-name=new-bot] .bot-token input")
    await expect(token).to_have_value(re.compile("^bot_"))
    line = page.locator("[data-name=new-bot] .bot-curl input")
    await expect(line).to_have_value(
        re.compile(r"^curl .*bot_.* http\S+/api/rooms/lobby/messages$")
    )
    await page.locator("[data-name=new-bot] .dialog-close").click()
    await row(ann, "robot").get_by_role("button").click()
    await page.locator(".bot-revoke").click()
    await page.locator(".confirm-yes").click()
    await expect(row(ann, "robot").locator(".tag")).to_have_text("No token")
    await page.locator("[data-name=bot] .dialog-close").click()


async def the_server_is_healthy(ann: Window) -> None:
    page = ann.page
    await open_page(page, "Self-check", "admin-check")
    await expect(page.locator("admin-check")).to_have_attribute("data-state", "done")
    lines = page.locator(".check-line")
    await expect(lines.first).to_contain_text("Latency:")
    verdicts = [await line.get_attribute("data-verdict") for line in await lines.all()]
    assert set(verdicts) <= {"good", "fair"}  # the disk of the test machine may be nearly full
    await expect_no_violations(ann, PHONE)


def row(ann: Window, name: str) -> Locator:
    return ann.page.locator("tbody tr").filter(has=ann.page.get_by_text(name, exact=True))

"""Logout: the login page means that the session has ended; unsent text is not lost silently."""

import pytest
from playwright.async_api import Page, expect

from chatserver.errors import Unavailable
from tests.browser.conftest import EnterChat
from tests.browser.test_files import choose
from tests.browser.window import Window
from tests.driver import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")

STORED = """async () => {
  const [{ name }] = await indexedDB.databases();
  const opening = indexedDB.open(name);
  await new Promise((resolve) => (opening.onsuccess = resolve));
  const all = opening.result.transaction("messages").objectStore("messages").getAll();
  await new Promise((resolve) => (all.onsuccess = resolve));
  opening.result.close();
  return JSON.stringify(all.result) + JSON.stringify(localStorage) + JSON.stringify(sessionStorage);
}"""
QUESTION = "confirm-dialog h2"


async def second_tab(window: Window) -> Page:
    tab = await window.page.context.new_page()
    await tab.goto("/index#/with/bo")
    await expect(tab.locator("message-list")).to_have_attribute("data-state", "loaded")
    await expect(tab.locator("settings-dialog:defined")).to_be_attached()
    return tab


async def log_out(page: Page) -> None:
    await page.locator(".account-button").click()
    await page.locator(".menu-logout").click()


async def test_a_tab_sends_what_a_closed_one_left_and_logging_out_asks_about_the_rest(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await bo.open_direct("ann")
    other = await second_tab(ann)
    ann.allow_console_errors("WebSocket|ERR_|Failed to load|status of 401")
    await other.route("**/api/**", lambda route: route.abort())
    await ann.page.context.set_offline(True)
    await other.evaluate("dispatchEvent(new Event('offline'))")
    await other.locator("#composer-text").fill("not sent yet")
    await other.keyboard.press("Enter")
    await other.locator("#composer-text").fill("half a thought")
    await expect(other.locator("chat-message[data-state=waiting]")).to_have_count(1)
    await other.close()  # before it can send
    await ann.page.context.set_offline(False)
    await ann.page.evaluate("dispatchEvent(new Event('online'))")
    await ann.page.bring_to_front()
    await bo.expect_last("not sent yet")
    await choose(ann.page, ("plan.pdf", "application/pdf", b"%PDF-1.7 plan"))

    await log_out(ann.page)
    await expect(ann.page.locator(QUESTION)).to_have_text("Log out and discard what was not sent?")
    await expect(ann.page.locator(".confirm-text")).to_have_text(
        "1 draft has not been sent. 1 file was chosen and not sent."
    )
    await ann.page.locator(".confirm-no").click()
    await expect(ann.page.locator(QUESTION)).to_be_hidden()
    assert "half a thought" in await ann.page.evaluate(STORED)
    await ann.page.locator("#composer-text").fill("still here")

    await log_out(ann.page)
    await ann.page.locator(".confirm-yes").click()
    await ann.page.wait_for_url("**/login")
    kept = await ann.page.evaluate(STORED)
    for word in ("ann", "not sent yet", "half a thought", "still here"):
        assert word not in kept, kept


async def test_logging_out_in_one_tab_logs_out_all_tabs_and_deletes_drafts(
    enter: EnterChat,
) -> None:
    ann, _ = await enter("ann", "Ann"), await enter("bo", "Bo")
    ann.allow_console_errors("WebSocket|status of 401")
    other = await second_tab(ann)
    admin = await ann.page.context.new_page()
    await admin.goto("/admin")
    await expect(admin.locator("toast-line:defined")).to_be_attached()
    await other.locator("#composer-text").fill("a secret draft")
    await log_out(ann.page)
    await ann.page.locator(".confirm-yes").click()
    for page in (ann.page, other, admin):
        await page.wait_for_url("**/login")
        assert "a secret draft" not in await page.evaluate(STORED)


async def test_without_unsent_text_logging_out_asks_nothing(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.say("sent")
    await ann.expect_last("sent")
    await ann.log_out()


async def test_a_failed_logout_is_reported_and_can_be_repeated(
    enter: EnterChat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("status of 503")
    accounts = ann.chat.server.accounts

    async def refuse(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "log_out", refuse)
        await ann.page.locator("#composer-text").fill("a draft")
        await log_out(ann.page)
        await ann.page.locator(".confirm-yes").click()
        await expect(ann.page.locator(QUESTION)).to_have_text("You are still logged in")
        await ann.page.locator(".confirm-yes").click()
        await expect(ann.page.locator(".confirm-yes")).to_be_visible()
        await ann.page.locator(".confirm-no").click()
    await expect(ann.page.locator("#composer-text")).to_have_value("a draft")
    await ann.page.locator("#composer-text").press("Enter")
    await ann.expect_last("a draft")  # the line is there again
    await ann.log_out()


async def test_an_unreachable_server_does_not_log_out_users(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("WebSocket|ERR_|Failed to load")
    await ann.page.context.set_offline(True)
    await log_out(ann.page)
    await expect(ann.page.locator(QUESTION)).to_have_text("You are still logged in")
    await expect(ann.page.locator(".confirm-text")).to_have_text("The server cannot be reached.")
    await ann.page.context.set_offline(False)
    await ann.page.locator(".confirm-yes").click()
    await ann.page.wait_for_url("**/login")


async def test_logging_out_everywhere_asks_about_unsent_text(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    phone = await ann.another()
    phone.allow_console_errors("WebSocket|status of 401")
    await ann.page.locator("#composer-text").fill("a draft")
    await ann.page.locator(".account-button").click()
    await ann.page.locator("[data-open=settings]").click()
    await ann.page.locator(".sessions-end").click()
    await expect(ann.page.locator(".confirm-text")).to_have_text(
        "Every device has to log in again, this one too. 1 draft has not been sent."
    )
    await ann.page.locator(".confirm-yes").click()
    await ann.page.wait_for_url("**/login")
    assert "a draft" not in await ann.page.evaluate(STORED)
    await phone.expect_logged_out()


async def test_a_writer_whose_session_ends_stays_on_the_page_with_the_draft(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    page, box = ann.page, ann.page.locator("#composer-text")
    other = await second_tab(ann)
    ann.allow_console_errors("WebSocket|status of 401")
    await box.press_sequentially("this is ")
    await page.evaluate("void fetch('/api/sessions', {method: 'DELETE'})")
    await ann.expect_logged_out()
    await page.keyboard.type("one thought")
    await expect(box).to_have_value("this is one thought")
    await expect(page.locator("connection-banner")).to_contain_text("You have been logged out.")
    await expect(other.locator(".banner-login")).to_be_visible()
    await page.keyboard.press("Enter")
    message = page.locator("chat-message[data-state=login]")
    await expect(message.locator(".message-problem")).to_have_text(
        "Will be sent when you log in again"
    )
    await expect(page.locator("[data-section=online]")).to_be_hidden()
    await expect(page.locator(".topbar-details")).to_have_text("")
    await page.keyboard.type("a draft")
    await page.evaluate("location.hash = '#/with/bo'")
    await page.locator(".banner-login").click()
    await page.wait_for_url("**/login?over#/with/bo")
    await page.locator("#username").fill("ann")
    await page.locator("#password").fill(PASSWORD)
    await page.locator("[type=submit]").click()
    await page.wait_for_url("**/index#/with/bo")
    await ann.open_lobby()
    await ann.expect_last("this is one thought")
    await expect(box).to_have_value("a draft")


async def test_a_writer_whose_account_is_disabled_stays_on_the_page(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    bo.allow_console_errors("WebSocket|status of 401")
    await bo.page.locator("#composer-text").press_sequentially("this is ")
    answer = await ann.page.request.patch("/api/users/bo", data={"disabled": True})
    assert answer.ok
    await bo.expect_logged_out()
    await bo.page.keyboard.type("one thought")
    await expect(bo.page.locator("#composer-text")).to_have_value("this is one thought")

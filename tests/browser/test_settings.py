"""Personal settings, and notifications."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import PASSWORD, User

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Headless Chromium shows no notifications: the calls of the page are recorded instead.
RECORD = """
globalThis.notes = [];
globalThis.asked = 0;
globalThis.Notification = class {
  static permission = "default";
  static async requestPermission() { asked += 1; return (this.permission = "granted"); }
  constructor(title, { body }) { this.text = `${title}: ${body}`; notes.push(this); }
  close() { this.closed = true; }
};
"""
OPEN_NOTES = "() => notes.filter(({ closed }) => !closed).map(({ text }) => text)"
AWAY = "document.hasFocus = () => false; dispatchEvent(new Event('blur'))"


async def test_notifications_are_enabled_by_a_click_and_closed_when_read(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="陈波")
    desk = await ann.another()
    await desk.page.add_init_script(RECORD)
    await desk.page.reload()
    await desk.wait_until_loaded()
    assert await desk.page.evaluate("asked") == 0
    await enable_notifications(desk)
    await desk.page.evaluate(AWAY)
    await ann.open_user("ann")

    await send_over_http(bo, "/api/rooms/1/messages", "good morning")
    await send_over_http(bo, "/api/direct/ann/messages", "psst")
    await expect_notifications(desk, "陈波 in Lobby: good morning", "陈波: psst")
    await expect(desk.page).to_have_title("(2) Lobby · chatserver")
    icon = desk.page.locator("link[rel=icon]")
    await expect(icon).to_have_attribute("href", re.compile("favicon-unread"))
    await ann.open_lobby()
    await expect_notifications(desk, "陈波: psst")
    await ann.page.locator("[data-section=direct] [data-user=bo] a").click()
    await expect_notifications(desk)
    await expect(icon).to_have_attribute("href", re.compile("favicon.svg"))

    await ann.open_user("ann")
    await desk.page.locator("[name=notify-content]").select_option("sender")
    await mute(ann)
    await expect(desk.page.locator(".row-muted")).to_have_count(1)  # the other device hears of it
    await send_over_http(bo, "/api/rooms/1/messages", "nothing of interest")
    await send_over_http(bo, "/api/rooms/1/messages", "@ann look")
    await expect_notifications(desk, "陈波 in Lobby: New message")


async def enable_notifications(desk: Window) -> None:
    page = desk.page
    await page.locator(".account-button").click()
    await page.locator("[data-open=settings]").click()
    await page.locator("[name=rules-level][value=all]").check()
    await page.locator("[name=notify]").check()
    await expect(page.locator(".notify-more")).to_be_visible()
    assert await page.evaluate("asked") == 1


async def mute(window: Window) -> None:
    await window.open_lobby()
    await window.page.locator("[data-panel=room]").first.click()
    await window.page.locator(".room-notify").select_option("mentions")
    await window.open_user("ann")


async def send_over_http(who: User, path: str, text: str) -> None:
    assert (await who.ask("POST", path, {"data": text})).status == 201


async def expect_notifications(window: Window, *texts: str) -> None:
    await window.page.wait_for_function(
        f"(wanted) => JSON.stringify(({OPEN_NOTES})()) === JSON.stringify(wanted)", arg=list(texts)
    )


async def test_a_user_can_change_name_language_theme_password_and_sessions(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "陈波")
    phone = await ann.another()
    page = ann.page
    await open_settings(ann)
    await expect(page.locator(".session-details").first).to_have_text("This device")
    await page.locator("[name=theme][value=dark]").check(force=True)
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.locator("#old-password").fill("not this one")
    await page.locator("#new-password").fill("a much longer secret")
    ann.allow_console_errors("status of 403")
    await page.locator("password-form [type=submit]").click()
    await expect(page.locator("password-form .form-problem")).to_have_text(
        "The current password is incorrect."
    )
    await page.locator("#old-password").fill(PASSWORD)
    await page.locator("#new-password").fill("a much longer secret")
    phone.allow_console_errors("status of 401")
    await page.locator("password-form [type=submit]").click()
    await expect(page.locator(".password-done")).to_be_visible()
    await phone.expect_logged_out()
    await expect(page.locator("session-list li")).to_have_count(1)

    await page.locator("[name=enter][value=breaks]").check()
    await page.locator("#settings-display").fill("安娜")
    await page.locator("#settings-locale").select_option("zh_CN")
    await page.locator(".settings-profile [type=submit]").click()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    await expect(page.locator(".account-name")).to_have_text("安娜")
    await ann.wait_until_loaded()
    await page.locator("#composer-text").fill("第一行")
    await page.keyboard.press("Enter")
    await page.keyboard.type("第二行")
    await page.keyboard.press("Control+Enter")
    await bo.expect_last("第一行\n第二行")
    await open_settings(ann)
    await page.locator(".sessions-end").click()
    await page.locator(".confirm-yes").click()
    await page.wait_for_url("**/login")


async def open_settings(window: Window) -> None:
    await window.page.locator(".account-button").click()
    await window.page.locator("[data-open=settings]").click()
    await expect(window.page.locator("session-list li").first).to_be_visible()


async def test_plain_http_explains_why_there_are_no_notifications(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.add_init_script(
        "Object.defineProperty(globalThis, 'isSecureContext', { value: false })"
    )
    await ann.page.reload()
    await open_settings(ann)
    await expect(ann.page.locator(".notify-obstacle")).to_contain_text("https")
    await expect(ann.page.locator("[name=notify]")).to_be_disabled()


async def test_notifications_are_offered_once_and_rules_reach_other_devices(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    desk = await ann.another()
    page = desk.page
    await page.add_init_script(RECORD)
    await expect(page.locator("notify-banner")).to_be_hidden()  # at the first visit
    await page.evaluate(
        "for (const key in localStorage) if (key.endsWith('first-visit')) localStorage[key] = 'Mon'"
    )
    await page.reload()
    await page.locator("notify-banner .banner-notify").click()
    await expect(page.locator("notify-banner")).to_be_hidden()
    assert await page.evaluate("asked") == 1
    await page.reload()
    await open_settings(desk)
    await expect(page.locator("notify-banner")).to_be_hidden()

    await page.locator("[name=rules-keywords]").fill("tea，发布")
    await page.locator("[name=rules-quiet]").check()
    await expect(page.locator(".rules-quiet")).to_be_visible()
    await page.locator("[name=rules-day][value='7']").uncheck(force=True)
    await open_settings(ann)
    await expect(ann.page.locator("[name=rules-keywords]")).to_have_value("tea, 发布")
    await expect(ann.page.locator("[name=rules-start]")).to_have_value("22:00")
    await expect(ann.page.locator("[name=rules-day]:checked")).to_have_count(6)
    await page.locator("[name=rules-pause]").select_option("60")
    await expect(ann.page.locator("[name=rules-pause] :checked")).to_contain_text("Until")
    desk.allow_console_errors("status of 400")
    await page.locator("[name=rules-keywords]").fill("x" * 60)
    await page.locator("[name=rules-keywords]").press("Enter")
    await expect(page.locator("notification-rules .form-problem")).to_be_visible()

"""The page on phones and tablets: no control covers another one."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEND_IS_FREE = """() => {
  const { x, y, width, height } = document.querySelector(".composer-send").getBoundingClientRect();
  return !!document.elementFromPoint(x + width / 2, y + height / 2).closest(".composer-send");
}"""
SIDEWAYS = """() => [...document.querySelectorAll(".messages-scroll, html")]
  .some(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)"""
TARGETS = """() => {
  const all = [...document.querySelectorAll(".message-more, .actions .action:not([hidden])")];
  const boxes = all.map((one) => one.getBoundingClientRect()).filter(({ width }) => width > 0);
  const meets = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 &&
    a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const overlaps = boxes.filter((a) => boxes.some((b) => a !== b && meets(a, b))).length;
  const small = boxes.filter(({ width, height }) => Math.min(width, height) < 44).length;
  return { overlaps, small };
}"""


async def test_nothing_overlaps_on_a_phone_or_a_tablet(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    named = {"name": "plans", "title": "W" * 100, "users": ["ann"]}
    room = (await bo.ask("POST", "/api/rooms", named)).json["room"]
    for text in ("one", "two", "three"):
        await bo.ask("POST", f"/api/rooms/{room}/messages", {"data": text})
    page = ann.page
    await page.set_viewport_size({"width": 820, "height": 700})
    await page.goto(f"/index#/room/{room}")
    await ann.wait_until_loaded()
    await page.locator(".topbar-room").click()
    await expect(page.locator("room-panel")).to_be_visible()
    assert await page.evaluate(SEND_IS_FREE)
    await page.evaluate("location.hash = '#/room/1'")
    await expect(page.locator("room-panel")).to_be_hidden()

    screen = {"width": 320, "height": 640}
    phone = await ann.another(viewport=screen, has_touch=True, is_mobile=True)
    page = phone.page
    await page.goto(f"/index#/room/{room}")
    await phone.wait_until_loaded()
    assert not await page.evaluate(SIDEWAYS)
    for number in range(3):
        await page.locator(".message-more").nth(number).click()
        assert await page.evaluate(TARGETS) == {"overlaps": 0, "small": 0}


async def test_the_enter_key_setting_applies_on_touch_devices(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    phone = await ann.another(
        viewport={"width": 390, "height": 700}, has_touch=True, is_mobile=True
    )
    page, box = phone.page, phone.page.locator("#composer-text")
    await box.fill("one")
    await box.press("Enter")
    await expect(box).to_have_value("one\n")
    await expect(box).to_have_attribute("enterkeyhint", "enter")
    await page.evaluate("document.querySelector('[data-open=settings]').click()")
    await expect(page.locator("[name=enter][value=breaks]")).to_be_checked()
    await page.locator("[name=enter][value=sends]").check()
    await page.locator("settings-dialog .dialog-close").click()
    await box.fill("sent")
    await box.press("Enter")
    await phone.expect_last("sent")


async def test_printing_shows_messages_without_controls(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.say("on paper")
    await ann.expect_last("on paper")
    page = ann.page
    await page.set_viewport_size({"width": 700, "height": 900})  # A4
    await page.evaluate("document.querySelector('.topbar-elsewhere').hidden = false")
    await expect(page.locator(".topbar-elsewhere")).to_be_visible()
    await page.emulate_media(media="print")
    for control in (".topbar-elsewhere", ".topbar-menu", ".composer"):
        await expect(page.locator(control)).to_be_hidden()
    for text in (".topbar-title", ".message-text"):
        await expect(page.locator(text)).to_be_visible()

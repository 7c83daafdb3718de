"""The page on phones and tablets: no control covers another one."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import EnterChat
from tests.browser.test_files import choose, picture
from tests.browser.test_profile_pictures import halves
from tests.web.test_files import sent, upload

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEND_IS_FREE = """() => {
  const { x, y, width, height } = document.querySelector(".composer-send").getBoundingClientRect();
  return !!document.elementFromPoint(x + width / 2, y + height / 2).closest(".composer-send");
}"""
SIDEWAYS = """() => [...document.querySelectorAll(".messages-scroll, html")]
  .some(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)"""
WIDE = """() => {
  const scrolls = (one) => one === document.documentElement ||
    /auto|scroll/.test(getComputedStyle(one).overflowX);
  const isWide = (one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1;
  return [...document.querySelectorAll("*:not(textarea, .admin-tabs ul)")]
    .filter((one) => scrolls(one) && isWide(one))
    .map((one) => `${one.localName}.${one.className}`);
}"""  # what scrolls sideways
# Controls of an element that are outside the window, or covered by something else.
CUT = """(part) => {
  const controls = document.querySelector(part).querySelectorAll("button, input, textarea, a");
  const isCut = (one) => {
    const { left, right, top, width, height } = one.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) return true;
    const [x, y] = [left + width / 2, top + height / 2];
    if (y < 0 || y > innerHeight) return false; // it is scrolled
    const scroller = one.closest(".tray, .panel-body");
    const box = scroller?.getBoundingClientRect();
    if (box && (y < box.top || y > box.bottom)) return false;
    const over = document.elementFromPoint(x, y);
    return !one.contains(over) && !over?.contains(one);
  };
  const isShown = (one) => one.checkVisibility() && one.getBoundingClientRect().width > 1;
  return [...controls].filter((one) => isShown(one) && isCut(one))
    .map((one) => `${one.localName}.${one.className}`);
}"""
LONG_TITLES = ["x" * 80, "Long title " * 7, "غرفة طويلة " * 7, "غ" * 80]
LONG_NAME = "longname" * 4
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


async def test_long_names_make_nothing_wider_than_its_container(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user(LONG_NAME, display="غ" * 64)
    for number, title in enumerate(LONG_TITLES):
        for users in ([], ["ann"]):
            name = f"room{number}{len(users)}"
            named = {"name": name, "title": title + name, **({"users": users} if users else {})}
            room = (await bo.ask("POST", "/api/rooms", named)).json["room"]
            await bo.ask("POST", f"/api/rooms/{room}/messages", {"data": "Hi @ann"})
    for width in (320, 390, 820, 1280):
        await ann.page.set_viewport_size({"width": width, "height": 700})
        await ann.page.goto(f"/index#/room/{room}")
        await ann.wait_until_loaded()
        wide = await wide_in_dialogs(ann.page) | await wide_in_administration(ann.page)
        assert {place: found for place, found in wide.items() if found} == {}, width


async def wide_in_dialogs(page: Page) -> dict[str, list[str]]:
    """Return the elements that scroll sideways, by dialog."""
    wide = {"chat": await page.evaluate(WIDE)}
    for name in (
        "rooms",
        "new-room",
        "conversation",
        "people",
        "room",
        "invite",
        "settings",
        "keys",
        "switcher",
    ):
        if name == "switcher":
            await page.keyboard.press("Control+k")
        else:
            await page.evaluate(f"document.querySelector('[data-open={name}]').click()")
        dialog = page.locator("dialog[open]")
        await expect(dialog).to_be_visible()
        if name == "rooms":
            await expect(dialog.locator(".rooms-open li")).to_have_count(len(LONG_TITLES))
        wide[name] = await page.evaluate(WIDE)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    await page.locator(".topbar-room").click()
    await expect(page.locator(".members li")).to_have_count(2)
    return {**wide, "members": await page.evaluate(WIDE)}


async def test_files_fit_on_a_small_phone(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo")
    names = [f"{'a_very_long_name_' * 4}{number}.jpg" for number in range(3)]
    pictures = [await upload(bo, picture(900, 600, "teal"), name) for name in names]
    for files in (
        pictures[:1],
        pictures[1:],
        [await upload(bo, b"text\n" * 400, "b" * 90 + ".txt")],
    ):
        await sent(bo, *(file["id"] for file in files))
    page = ann.page
    await page.set_viewport_size({"width": 320, "height": 568})
    await expect(page.locator(".picture")).to_have_count(3)
    chosen = [(name, "image/jpeg", picture(900, 600, "teal")) for name in names * 3]
    await choose(page, *chosen, ("notes.txt", "text/plain", b"notes"))
    await expect(page.locator(".attachment")).to_have_count(10)
    await page.locator("#composer-text").fill("line\n" * 9)
    wide = {"tray": await page.evaluate(WIDE)}
    assert await page.evaluate(SEND_IS_FREE)
    assert await page.evaluate(CUT, "message-composer") == []
    await page.locator(".picture").first.click()
    await expect(page.locator(".viewer-stage")).to_have_attribute("aria-busy", "false")
    wide["viewer"] = await page.evaluate(WIDE)
    assert await page.evaluate(CUT, "dialog.viewer") == []
    await page.keyboard.press("Escape")
    await page.evaluate("document.querySelector('[data-open=settings]').click()")
    await page.locator("settings-dialog [type=file]").set_input_files(halves())
    await expect(page.locator(".cropper-canvas")).to_be_focused()
    wide["cropper"] = await page.evaluate(WIDE)
    assert await page.evaluate(CUT, "dialog.cropper") == []
    await page.locator(".cropper-save").click()
    await expect(page.locator("settings-dialog .avatar[data-pictured]")).to_be_visible()
    wide["profile"] = await page.evaluate(WIDE)
    await page.keyboard.press("Escape")
    await page.locator("[data-panel=room]").first.click()
    await page.get_by_role("button", name="Files", exact=True).click()
    await expect(page.locator(".file-row")).to_have_count(4)
    wide["files"] = await page.evaluate(WIDE)
    assert await page.evaluate(CUT, "files-panel") == []
    page = (await ann.another(viewport={"width": 320, "height": 568})).page
    await page.goto("/admin/storage")
    await expect(page.locator(".file-remove")).to_have_count(4)
    wide["storage"] = await page.evaluate(WIDE)
    assert wide == {name: [] for name in wide}


async def wide_in_administration(page: Page) -> dict[str, list[str]]:
    """Return the elements that scroll sideways, by page."""
    wide = {}
    for section in ("people", "rooms", "invites", "bots", "storage"):
        await page.goto(f"/admin/{section}")
        await expect(page.locator("[data-state=loaded]").first).to_be_attached()
        wide[f"admin/{section}"] = await page.evaluate(WIDE)
    return wide


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


# Return whether an element can be seen that the page hides while there is nothing to show.
UNHIDE = """(selector) => {
  const element = document.querySelector(selector);
  element.hidden = false;
  return element.checkVisibility();
}"""


async def test_printing_shows_messages_without_controls(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.say("on paper")
    await ann.expect_last("on paper")
    page = ann.page
    await page.set_viewport_size({"width": 700, "height": 900})  # A4
    assert await page.evaluate(UNHIDE, ".topbar-elsewhere")
    await page.emulate_media(media="print")
    assert not await page.evaluate(UNHIDE, ".topbar-elsewhere")
    for control in (".topbar-menu", ".composer"):
        await expect(page.locator(control)).to_be_hidden()
    for text in (".topbar-title", ".message-text"):
        await expect(page.locator(text)).to_be_visible()

"""axe finds no accessibility problem on any page, in both themes, on desktop and phone."""

from itertools import product
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe, AxeResults
from playwright.async_api import ViewportSize, expect

from tests.browser.conftest import OpenWindow
from tests.browser.test_files import choose, picture
from tests.browser.test_profile_pictures import halves
from tests.browser.window import Window, setup_link
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES: list[ViewportSize] = [{"width": 1280, "height": 800}, {"width": 390, "height": 800}]
DESK, PHONE = SIZES
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]  # which differ in colours only
RULES: dict[str, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
RUN = """async (rules) => {
  await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  return axe.run({ resultTypes: ["violations"], preload: false, ...rules });
}"""
BY_AXE = r"inline style|style-src-elem inline"  # axe tries to add a style sheet of its own
SAID = [
    "早上好！今天的会议改到下午三点 🎉",
    "See https://example.com/plan and www.example.org",
    "First read the long story " + "that goes on and on " * 30,
]
MARKED = f"```\n{'wide ' * 60}\n```\n> *said* `so` @ann\n- [one](https://example.com)"


async def test_axe_finds_no_problem_on_any_page(
    server: ServerProcess, open_window: OpenWindow
) -> None:
    ann, bo = await open_window(server.url), await open_window(server.url, locale="zh-CN")
    for window in (ann, bo):
        window.allow_console_errors(f"{BY_AXE}|status of 404")
    await setup_and_login_pages_have_no_violations(server, ann)
    await invitation_pages_have_no_violations(ann, bo)
    await the_chat_page_has_no_violations(ann, bo)


async def setup_and_login_pages_have_no_violations(server: ServerProcess, ann: Window) -> None:
    await ann.page.goto("/setup")
    await expect(ann.page.locator("#token")).to_be_visible()
    await expect_no_violations(ann)
    await ann.page.goto("about:blank")  # otherwise only the fragment changes
    await ann.sign_up(setup_link(server.lines), "ann", "Ann")
    await expect_no_violations(ann)  # the empty lobby


async def invitation_pages_have_no_violations(ann: Window, bo: Window) -> None:
    await bo.page.goto("/login")
    await bo.page.locator("[type=submit]").click()
    await expect_no_violations(bo)
    await bo.page.goto("/join/nothing")
    await expect(bo.page.locator(".error-status")).to_have_text("404")
    await expect_no_violations(bo)
    link = await ann.invite()
    await bo.page.goto(link)
    await bo.page.locator("#password").fill("short")
    await expect_no_violations(bo)
    await bo.sign_up(link, "bo", "陈波")


async def the_chat_page_has_no_violations(ann: Window, bo: Window) -> None:
    for text in SAID:
        await bo.say(text)
        await ann.say(text)
        await ann.expect_last(text)
    await bo.say(MARKED)
    await expect(ann.page.locator("chat-message pre")).to_be_visible()
    await messages_and_rooms_have_no_violations(ann, bo)
    await bo.page.set_viewport_size(DESK)
    await bo.page.locator(".account-button").click()
    await expect_no_violations(bo, DESK)
    await bo.page.set_viewport_size(PHONE)
    await bo.page.locator("[data-drawer=open]").click()
    await expect_no_violations(bo, PHONE)
    await ann.page.set_viewport_size(DESK)
    await ann.page.locator(".topbar-invite").click()
    await ann.page.locator(".invite-form [type=submit]").click()
    await expect(ann.page.locator(".invite-made")).to_be_visible()
    await expect_no_violations(ann)


async def messages_and_rooms_have_no_violations(ann: Window, bo: Window) -> None:
    """Check changed messages, and every layer that opens over the page."""
    page = ann.page
    await bo.say("＠ann please look")
    await bo.expect_last("@Ann please look")
    await bo.page.locator("chat-message").last.hover()
    await bo.press_action("pick")
    await bo.page.locator(".emoji").first.click()
    await bo.press_action("answer")
    await bo.say("This answers it @ann")
    await ann.expect_last("This answers it @Ann")
    await page.locator("chat-message").first.hover()
    await ann.press_action("remove")
    await expect_no_violations(ann, DESK)
    await page.locator(".confirm-yes").click()
    await expect(page.locator(".message-deleted")).to_have_count(1)
    await page.locator("chat-message").last.hover()
    await ann.press_action("pick")
    await expect_no_violations(ann)
    await page.keyboard.press("Escape")
    await page.locator("#composer-text").press_sequentially("@b")
    await expect(page.locator("#names li")).to_have_count(1)
    await expect_no_violations(ann, PHONE)
    await page.locator("#composer-text").fill("")
    await page.set_viewport_size(DESK)
    for opener, sizes in (("rooms", SIZES), ("new-room", [PHONE]), ("people", [PHONE])):
        await page.evaluate(f"document.querySelector('[data-open={opener}]').click()")
        await expect_no_violations(ann, *sizes)
        await page.keyboard.press("Escape")
    await page.locator("a.mention").first.click()
    await expect_no_violations(ann, PHONE)
    await page.keyboard.press("Escape")
    await page.set_viewport_size(DESK)
    await voice_messages_have_no_violations(ann)
    await panels_and_settings_have_no_violations(ann)
    await files_have_no_violations(ann)
    for key in ("k", "/"):
        await page.keyboard.press(f"Control+{key}")
        await expect_no_violations(ann, DESK)
        await page.keyboard.press("Escape")


async def voice_messages_have_no_violations(ann: Window) -> None:
    page = ann.page
    await page.locator(".composer-voice").click()
    await expect(page.locator(".recorder-time")).to_have_text("0:01")
    await expect_no_violations(ann, PHONE)
    await page.locator(".recorder-stop").click()
    await expect(page.locator(".attachment voice-message")).to_be_visible()
    await expect_no_violations(ann, PHONE)
    await page.locator(".composer-send").click()
    await expect(page.locator("chat-message voice-message")).to_be_visible()
    await expect_no_violations(ann, DESK)


async def files_have_no_violations(ann: Window) -> None:
    """Check the tray, messages with files, the viewer, the list of files, the page Storage."""
    page = ann.page
    photo = ("lake.jpg", "image/jpeg", picture(900, 600, "teal"))
    await choose(page, photo, ("plan.pdf", "application/pdf", b"%PDF-1.7 plan"))
    await expect_no_violations(ann)  # the tray
    await page.locator(".composer-send").click()
    await choose(page, ("b.txt", "text/plain", b"text\n" * 40), photo, photo)
    await page.locator(".composer-send").click()
    await expect(page.locator(".gallery .picture")).to_have_count(2)
    await expect_no_violations(ann)  # messages with files
    await page.locator(".picture").last.click()
    await expect(page.locator(".viewer-stage")).to_have_attribute("aria-busy", "false")
    await expect(page.locator(".viewer-details")).to_contain_text("3 of 3")
    await expect_no_violations(ann)
    await page.keyboard.press("Escape")
    await page.locator("[data-panel=room]").first.click()
    await page.locator("room-panel").get_by_role("button", name="Files").click()
    await expect(page.locator(".file-row")).to_have_count(6)
    await expect_no_violations(ann)
    await page.locator("files-panel .panel-close").click()
    await page.goto("/admin/storage")
    await expect(page.locator(".storage-disk-text")).to_contain_text("files use")
    await expect_no_violations(ann)
    await page.goto("/index")
    await ann.wait_until_loaded()
    await page.set_viewport_size(DESK)


async def panels_and_settings_have_no_violations(ann: Window) -> None:
    page = ann.page
    await page.locator(".topbar-search").click()
    await expect_no_violations(ann)  # what one can look for
    await page.set_viewport_size(DESK)
    await page.locator("search-panel [type=search]").fill("story")
    await expect(page.locator(".hit mark").first).to_be_visible()
    await expect_no_violations(ann)
    await page.set_viewport_size(DESK)
    await page.locator(".topbar-room").click()
    await expect(page.locator(".member")).to_have_count(2)
    await expect_no_violations(ann)
    await page.set_viewport_size(DESK)
    await page.locator("[data-open=room]").click()
    await expect_no_violations(ann, DESK)
    await page.keyboard.press("Escape")
    await page.locator("room-panel .panel-close").click()
    await page.locator(".account-button").click()
    await page.locator("[data-open=settings]").click()
    await expect(page.locator(".session")).to_have_count(1)
    await expect_no_violations(ann)
    await page.locator("settings-dialog [type=file]").set_input_files(halves())
    await expect(page.locator(".cropper-canvas")).to_be_focused()
    await expect_no_violations(ann, PHONE)
    await page.locator(".cropper-save").click()
    await expect(page.locator("settings-dialog .avatar[data-pictured]")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.set_viewport_size(DESK)


async def expect_no_violations(window: Window, *sizes: ViewportSize) -> None:
    """Check both themes, on desktop and phone, after all animations."""
    page = window.page
    await page.evaluate(Axe().axe_script)
    for size, scheme in product(sizes or SIZES, SCHEMES):
        await page.set_viewport_size(size)
        await page.emulate_media(color_scheme=scheme)
        found = AxeResults(await page.evaluate(RUN, RULES[scheme]))
        assert found.violations_count == 0, (size, scheme, found.generate_report())
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

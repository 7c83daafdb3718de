"""Focus and typed text when the focused element disappears."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import User

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOCUS = "() => document.activeElement !== document.body"
BOX = "#composer-text"


async def expect_focus(page: Page, element: str) -> None:
    """Require the focus on `element`; typed text goes to the composer."""
    await expect(page.locator(element)).to_be_focused()
    before = await page.locator(BOX).input_value()
    await page.keyboard.type("typed")
    await expect(page.locator(BOX)).to_have_value(f"{before}typed")
    await page.locator(BOX).fill("")


async def delete_last(window: Window, *, key: str) -> None:
    """Delete the last message, by mouse or key."""
    await window.expect_last("mine")
    row = window.page.locator("chat-message").last
    if key:
        await row.focus()
    else:
        await row.hover()
    await window.press_action("remove", key=key)
    yes = window.page.locator("confirm-dialog .confirm-yes")
    await (yes.press(key) if key else yes.click())
    await expect(row).to_contain_text("This message was deleted.")


async def remove_reaction(window: Window, *, key: str) -> None:
    reaction = window.page.locator(".reaction")
    await (reaction.press(key) if key else reaction.click())
    await expect(reaction).to_have_count(0)


@pytest.mark.parametrize("key", ["", "Enter"], ids=["mouse", "keyboard"])
async def test_the_focus_moves_to_the_surroundings_of_a_removed_element(
    enter: EnterChat, key: str
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    page = ann.page
    await bo.ask("POST", "/api/rooms/lobby/messages", {"data": "\n".join("line" * 20)})
    await page.locator(".message-text").wait_for()

    await ann.say("mine")
    await delete_last(ann, key=key)
    await page.wait_for_function(FOCUS)
    await expect_focus(page, "chat-message:focus, chat-message :focus")

    said = await bo.ask("POST", "/api/rooms/lobby/messages", {"data": "liked"})
    await ann.expect_last("liked")
    await page.evaluate(REACT, said.json["seq"])
    await expect(page.locator(".reaction")).to_be_visible()
    await remove_reaction(ann, key=key)
    await expect_focus(page, "chat-message:focus")

    jump = page.locator(".messages-jump")
    await page.evaluate("document.querySelector('.messages-scroll').scrollTop = 0")
    await expect(jump).to_be_visible()
    await (jump.press(key) if key else jump.click())
    await expect(jump).to_be_hidden()
    await expect_focus(page, BOX)

    banner = page.locator("storage-banner")
    await banner.evaluate("(banner) => (banner.dataset.state = 'shown')")
    close = banner.locator(".banner-close")
    await (close.press(key) if key else close.click())
    await expect_focus(page, BOX)
    await expect_composer_returns(ann, bo)


async def expect_composer_returns(ann: Window, bo: User) -> None:
    """Type in a room whose composer reappears after an archive and after a removal."""
    made = await bo.ask("POST", "/api/rooms", {"name": "plans", "users": ["ann"]})
    room = made.json["room"]
    page = ann.page
    await ann.open_room("plans")
    await page.locator(BOX).fill("draft ")
    for archived in (True, False):
        await bo.ask("PATCH", f"/api/rooms/{room}", {"archived": archived})
        await expect(page.locator("room-banner")).to_be_visible(visible=archived)
    await expect_focus(page, BOX)
    await page.locator(BOX).fill("draft ")
    await bo.ask("DELETE", f"/api/rooms/{room}/members/ann")
    await expect(page.locator("room-banner")).to_be_focused()
    await bo.ask("POST", f"/api/rooms/{room}/members", {"users": ["ann"]})
    await expect(page.locator("room-banner")).to_be_hidden()
    await expect_focus(page, BOX)

    await page.locator(".topbar-room").click()
    await page.locator(".member[data-online] .icon-button").first.wait_for(state="attached")
    await page.evaluate("document.querySelector('.panel-notify select').focus()")
    await bo.ask("DELETE", f"/api/rooms/{room}/members/ann")  # which hides that field
    await expect(page.locator(".panel-notify")).to_be_hidden()
    await page.wait_for_function(FOCUS)


@pytest.mark.parametrize("key", ["", "Enter"], ids=["mouse", "keyboard"])
async def test_the_focus_moves_to_the_next_row_when_the_focused_row_is_removed(
    enter: EnterChat, key: str
) -> None:
    ann = await enter("ann", "Ann")
    page = ann.page
    for name in ("bo", "cy", "di"):
        await ann.chat.user(name, display=name.title())
    me = await ann.chat.logged_in("ann")
    await me.ask("POST", "/api/rooms", {"name": "plans", "users": ["bo", "cy", "di"]})
    await ann.open_room("plans")
    await page.locator(".topbar-room").click()
    for removed, focused in (("Bo", "Cy"), ("Di", "Cy"), ("Cy", "Ann (you)")):
        await presses(page, page.get_by_label(f"Remove {removed}", exact=True), key=key)
        await presses(page, page.locator("confirm-dialog .confirm-yes"), key=key)
        await expect(page.locator(".member:focus")).to_have_text(
            re.compile(f"{re.escape(focused)}.*")
        )

    for uses in (1, 2):
        await me.ask("POST", "/api/invites", {"uses": uses})
    await page.locator(".topbar-invite").click()
    revoke = page.locator(".invite-revoke")
    await revoke.nth(1).wait_for()
    for around in (".invite-row:focus", "invite-dialog dialog:focus"):
        await presses(page, revoke.first, key=key)
        await presses(page, page.locator("confirm-dialog .confirm-yes"), key=key)
        await expect(page.locator(around)).to_be_visible()

    await me.ask("POST", "/api/invites", {"uses": 3})
    await me.ask("POST", "/api/invites", {"uses": 4})
    await page.goto("/admin/invites")
    for around in ("tr:focus", "admin-invites:focus"):
        await presses(page, page.locator(".revoke").first, key=key)
        await presses(page, page.locator("confirm-dialog .confirm-yes"), key=key)
        await expect(page.locator(around)).to_be_visible()


async def presses(page: Page, button: Locator, *, key: str) -> None:
    await (button.press(key) if key else button.click())


async def test_an_opened_conversation_has_the_focus_where_one_can_write_or_reads_why_not(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    made = await bo.ask("POST", "/api/rooms", {"name": "plans", "users": ["ann"]})
    page, box, banner = ann.page, ann.page.locator(BOX), ann.page.locator("room-banner")
    await ann.open_room("plans")
    await bo.ask("PATCH", f"/api/rooms/{made.json['room']}", {"archived": True})
    await expect(banner).to_be_focused()
    await page.locator("[data-user=bo] a").click()
    await expect(box).to_be_focused()
    await page.go_back()
    await expect(banner).to_be_focused()
    await page.locator("[data-section=rooms] a").first.click()
    await expect(box).to_be_focused()


REACT = """(seq) => document.querySelector(`[data-seq="${seq}"]`).dispatchEvent(
  new CustomEvent("message:react", { bubbles: true, detail: { seq, emoji: "👍", on: true } }))"""


async def test_text_typed_outside_all_fields_goes_to_the_composer(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    page = ann.page
    await page.locator(".messages-start h2:visible").click()
    await page.keyboard.type("hello")
    await expect(page.locator(BOX)).to_have_value("hello")
    await page.locator(".topbar-search").click()
    await page.keyboard.type("words")
    await expect(page.locator("search-panel [type=search]")).to_have_value("words")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("bo")
    await expect(page.locator(BOX)).to_have_value("hello")


async def test_the_drawer_has_the_focus_while_it_moves_in(enter: EnterChat) -> None:
    page = (await enter("ann", "Ann")).page
    await page.set_viewport_size({"width": 390, "height": 800})
    await page.emulate_media(reduced_motion="no-preference")
    await page.locator(".topbar-menu").click()
    drawer = page.locator("nav-drawer")
    assert await drawer.evaluate("(drawer) => drawer.contains(document.activeElement)")
    await page.keyboard.press("Escape")
    await expect(drawer).to_have_attribute("data-open", "false")
    await expect(page.locator(".topbar-menu")).to_be_focused()

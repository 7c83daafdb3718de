"""Focus and typed text when the focused element disappears."""

import pytest
from playwright.async_api import Page, expect

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

    notice = page.locator("storage-notice")
    await notice.evaluate("(notice) => (notice.dataset.state = 'shown')")
    close = notice.locator(".banner-close")
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
        await expect(page.locator("room-notice")).to_be_visible(visible=archived)
    await expect_focus(page, BOX)
    await page.locator(BOX).fill("draft ")
    await bo.ask("DELETE", f"/api/rooms/{room}/members/ann")
    await expect(page.locator("room-notice")).to_be_focused()
    await bo.ask("POST", f"/api/rooms/{room}/members", {"users": ["ann"]})
    await expect(page.locator("room-notice")).to_be_hidden()
    await expect_focus(page, BOX)

    await page.locator(".topbar-room").click()
    await page.locator(".member[data-online] .icon-button").first.wait_for(state="attached")
    await page.evaluate("document.querySelector('.panel-mute input').focus()")
    await bo.ask("DELETE", f"/api/rooms/{room}/members/ann")  # which hides that field
    await expect(page.locator(".panel-mute")).to_be_hidden()
    await page.wait_for_function(FOCUS)


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

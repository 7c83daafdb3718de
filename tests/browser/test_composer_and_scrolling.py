"""Drafts, Escape, scroll position, the line "New", input methods, limits of the composer."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import Device

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOX = "#composer-text"
TOP = "(row) => row.getBoundingClientRect().top"
# Scroll events normally come a frame after the scrolling; here they are delayed much more.
DELAY_SCROLL_EVENTS = """
addEventListener("scroll", (event) => event.stopImmediatePropagation(), { capture: true })
"""
# As when files are added right after a message: the event reports the scrolling of before.
GROW_BEFORE_SCROLL_EVENT = """async (box) => {
  const frame = () => new Promise(requestAnimationFrame);
  document.querySelector(".messages-scroll").scrollTop -= 2;
  document.querySelector(box).value = "line\\n".repeat(9);
  for (let count = 0; count < 3; count += 1) await frame();
}"""
BELOW_MESSAGES = """(pill) => document.querySelector(pill).getBoundingClientRect().top
  - document.querySelector(".messages-scroll").getBoundingClientRect().bottom"""
FROM_END = """() => {
  const { scrollHeight, scrollTop, clientHeight } = document.querySelector(".messages-scroll");
  return scrollHeight - scrollTop - clientHeight;
}"""


async def fill_lobby(window: Window, name: str, lines: int = 60) -> Device:
    """Send that many messages in the lobby, which are shown and read; return the device.

    A page that gets more than a screen at once does not follow, so it gets few at a time.
    """
    device = await (await window.chat.user(name)).connect()
    for number in range(lines):
        await device.say(f"line {number}")
        if number % 6 == 0:
            await window.expect_last(f"line {number}")
    await window.expect_last(f"line {lines - 1}")
    await expect(window.page.locator(".sidebar [aria-current] .badge-number")).to_be_hidden()
    return device


async def test_a_draft_is_kept_for_each_conversation_over_a_reload(enter: EnterChat) -> None:
    ann, _ = await enter("ann", "Ann"), await enter("bo", "Bo")
    box = ann.page.locator(BOX)
    await box.fill("half a thought")
    await ann.open_user("bo")
    await expect(box).to_have_value("")
    await box.fill("only for bo")
    await ann.open_lobby()
    await expect(box).to_have_value("half a thought")
    await ann.page.reload()
    await ann.wait_until_loaded()
    await expect(box).to_have_value("half a thought")
    await ann.page.keyboard.press("Enter")
    await ann.expect_last("half a thought")
    await ann.page.reload()
    await ann.wait_until_loaded()
    await expect(box).to_have_value("")
    await ann.open_user("bo")
    await expect(box).to_have_value("only for bo")


async def test_escape_closes_then_cancels_then_goes_to_the_end(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await fill_lobby(ann, "bo")
    page, box = ann.page, ann.page.locator(BOX)
    await ann.say("mine")
    await ann.expect_last("mine")
    await box.fill("a draft")
    await page.locator("chat-message").last.hover()
    await ann.press_action("edit")
    await expect(box).to_have_value("mine")
    edited = page.locator(".message-editing .message-body")
    await expect(edited).to_have_text(["mine (edited) Editing"])
    await expect(edited.locator(".editing-words")).to_be_visible()
    await page.locator(".messages-scroll").evaluate("(scroller) => scroller.scrollTo(0, 0)")
    await expect(page.locator(".messages-jump")).to_have_text("Jump to the latest")
    await bo.say("meanwhile")
    await expect(page.locator(".messages-jump")).to_have_text("1 new")
    await page.keyboard.press("Control+/")
    keys = page.locator("keys-dialog dialog")
    await expect(keys).to_be_visible()

    await page.keyboard.press("Escape")
    await expect(keys).to_be_hidden()
    await expect(box).to_have_value("mine")
    await page.keyboard.press("Escape")
    await expect(box).to_have_value("a draft")
    await expect(page.locator(".composer-strip")).to_be_hidden()
    await expect(edited).to_have_count(0)
    await expect(page.locator(".messages-jump")).to_have_text("1 new")
    await page.keyboard.press("Escape")
    assert await page.evaluate(FROM_END) > 100, "Escape moves nothing while a draft is written"
    await expect(box).to_have_value("a draft")
    await box.fill("")
    await page.keyboard.press("Escape")
    await expect(page.locator(".messages-jump-new")).to_be_hidden()
    assert await page.evaluate(FROM_END) < 2


async def test_scrolling_up_neither_marks_as_read_nor_jumps_back(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await fill_lobby(ann, "bo")
    await ann.page.evaluate(DELAY_SCROLL_EVENTS)
    await ann.page.locator(".messages-scroll").evaluate("(scroller) => scroller.scrollTo(0, 0)")
    await bo.say("meanwhile")
    await expect(ann.page.locator("chat-message").last).to_contain_text("meanwhile")
    await expect(ann.page.locator(".messages-jump")).to_have_text("1 new")
    assert await ann.page.evaluate(FROM_END) > 100


async def test_the_scroll_position_is_stable_when_messages_arrive(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await fill_lobby(ann, "bo")
    page = ann.page
    row = page.locator("chat-message", has_text="line 30")
    await row.evaluate("(row) => row.scrollIntoView({ block: 'center' })")
    await expect(page.locator(".messages-jump")).to_have_text("Jump to the latest")
    before = await row.evaluate(TOP)
    for number in range(3):
        await bo.say(f"more {number}")
    await expect(page.locator(".messages-jump")).to_have_text("3 new")
    assert await page.evaluate(BELOW_MESSAGES, ".messages-jump") >= 0
    assert abs(await row.evaluate(TOP) - before) < 1
    await page.locator(".messages-jump").click()
    await expect(page.locator(".messages-jump")).to_be_hidden()
    assert await page.evaluate(FROM_END) < 2
    await bo.say("at the end")
    await ann.expect_last("at the end")
    assert await page.evaluate(FROM_END) < 2


async def test_the_list_stays_at_its_end_when_the_composer_grows_after_it_scrolled(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await fill_lobby(ann, "bo")
    page = ann.page
    await page.evaluate(GROW_BEFORE_SCROLL_EVENT, BOX)
    await expect(page.locator(".messages-jump")).to_be_hidden()
    assert await page.evaluate(FROM_END) < 1


async def test_the_line_above_new_messages_keeps_its_position(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await fill_lobby(ann, "bo", 2)
    page = ann.page
    await ann.open_user("bo")
    unread = page.locator("[data-section=rooms] .row-unread")
    await expect(unread).to_have_count(0)
    await bo.say("first of the new ones")
    await bo.say("second")
    await expect(unread).to_have_count(1)
    await ann.open_lobby()
    below = page.locator(".new-line + chat-message .message-text")
    await expect(below).to_have_text("first of the new ones")
    await expect(unread).to_have_count(0)
    await bo.say("third")
    await ann.expect_last("third")
    await expect(below).to_have_text("first of the new ones")
    await ann.say("an answer")
    await expect(page.locator(".new-line")).to_have_count(0)


async def test_an_enter_for_the_input_method_sends_nothing(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.locator(BOX).fill("ni hao")
    assert not await ann.press(BOX, "Enter", isComposing=True)
    assert not await ann.press(BOX, "Enter", keyCode=229)  # so Safari says it
    await expect(ann.page.locator(BOX)).to_have_value("ni hao")
    await expect(ann.page.locator("chat-message")).to_have_count(0)
    assert await ann.press(BOX, "Enter")
    await ann.expect_last("ni hao")


async def test_a_message_that_is_too_long_is_reported(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    box, over = ann.page.locator("#composer-text"), ann.page.locator(".composer-over")
    await box.fill("长" * 4_001)
    await expect(over).to_have_text(
        "This message is too long: 4000 characters can be sent at once."
    )
    await box.press("Enter")
    await expect(box).to_have_value("长" * 4_001)
    await box.fill("长" * 4_000)
    await expect(over).to_be_empty()
    await box.press("Enter")
    await ann.expect_last("长" * 4_000)


async def test_chinese_text_is_never_italic(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.say("*你好* *hello*")
    emphasis = ann.page.locator(".message-text em")
    await expect(emphasis.first).to_have_css("font-style", "normal")
    await expect(emphasis.first).not_to_have_css("text-emphasis-style", "none")
    await expect(emphasis.last).to_have_css("font-style", "italic")
    bo = await ann.chat.user("bo")
    await bo.ask("POST", "/api/rooms/1/messages", {"data": "a slip"})
    await bo.ask("DELETE", "/api/rooms/1/messages/2")
    chinese = await ann.another(locale="zh-CN")
    deleted = ".message-deleted .message-text"
    await expect(chinese.page.locator(deleted)).to_have_css("font-style", "normal")
    await expect(ann.page.locator(deleted)).to_have_css("font-style", "italic")

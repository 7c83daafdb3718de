"""Unsent text and acts survive another conversation, a reload and a lost connection."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOX = "#composer-text"
STRIP = ".composer-strip"
LOSE_ACTS = """() => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (![10, 11, 12].includes(JSON.parse(data).type)) send.call(this, data);
  };
}"""


async def test_a_reply_and_an_edit_in_progress_survive_another_room_and_a_reload(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    box, strip = ann.page.locator(BOX), ann.page.locator(STRIP)
    await bo.say("What time?")
    await ann.say("  at ten\n    sharp")
    last = bo.page.locator("chat-message").last
    await expect(last.locator(".message-text")).to_have_js_property(
        "textContent", "  at ten\n    sharp"
    )
    await ann.page.locator("chat-message").first.hover()
    await ann.act("answer")
    await box.fill("half a reply")
    for leave in (ann.turn_to_direct, ann.reloaded):
        await leave("bo")
        await ann.turn_to_lobby()
        await expect(strip).to_contain_text("Reply to Bo What time?")
        await expect(box).to_have_value("half a reply")
    await box.fill("")
    await box.press("Escape")
    await box.press("ArrowUp")
    await box.fill("half an edit")
    for leave in (ann.turn_to_direct, ann.reloaded):
        await leave("bo")
        await ann.turn_to_lobby()
        await expect(strip).to_contain_text("Edit the message")
        await expect(box).to_have_value("half an edit")
    await ann.page.locator("chat-message").first.hover()
    await ann.act("answer")
    await expect(box).to_have_value("")  # the edit waits beside the reply
    await box.press("Escape")
    await box.press("ArrowUp")
    await expect(box).to_have_value("half an edit")
    await box.press("Enter")
    await expect(last.locator(".message-body")).to_have_text("half an edit (edited)")


async def test_an_edit_and_a_reaction_that_were_not_answered_are_sent_after_a_reload(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await ann.say("frist")
    await bo.sees("frist")
    await ann.page.evaluate(LOSE_ACTS)
    await ann.page.locator("chat-message").hover()
    await ann.act("pick")
    await ann.page.locator(".emoji:visible").first.click()
    await ann.page.locator(BOX).press("ArrowUp")
    await ann.page.locator(BOX).fill("first")
    await ann.page.locator(BOX).press("Enter")
    message = ann.page.locator("chat-message")
    await expect(message.locator(".message-body")).to_have_text("first (edited)")
    await expect(message.locator(".reaction")).to_have_text("👍1")
    assert await ann.unsent() == 2
    await ann.page.context.set_offline(True)
    await expect(message.locator(".message-problem")).to_have_text(
        "The edit will be saved when the connection is back"
    )
    await ann.page.context.set_offline(False)
    await ann.page.reload()
    await ann.is_loaded()
    await expect(bo.page.locator(".message-body")).to_have_text("first (edited)")
    await expect(bo.page.locator(".reaction")).to_have_text("👍1")
    await ann.sees("first")
    assert await ann.unsent() == 0

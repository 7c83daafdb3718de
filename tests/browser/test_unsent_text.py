"""Unsent texts and actions survive a change of the room, a reload and a lost connection."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import EnterChat
from tests.browser.window import COUNT_UNSENT, Window

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOX = "#composer-text"
STRIP = ".composer-strip"
STORED_DRAFTS = "Object.keys(localStorage).filter((name) => name.includes('draft:'))"
DROP_CHANGES = """() => {
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (![10, 11, 12].includes(JSON.parse(data).type)) send.call(this, data);
  };
}"""

FILL_THE_DISK = """() => {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...facts) {
    const request = put.apply(this, facts);
    this.transaction.abort();
    return request;
  };
}"""
# Chromium refuses requests while it clears a database, or never answers them: look again.
STORES = """(count) => {
  const late = new Promise((resolve) => setTimeout(resolve, 1000));
  return Promise.race([(COUNT)().then((found) => found === count, () => false), late]);
}""".replace("COUNT", COUNT_UNSENT)
ASKS_BEFORE_CLOSING = """() =>
  !dispatchEvent(new Event("beforeunload", { cancelable: true }))"""
UNKEPT = "Your browser could not store unsent text"


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
    await ann.press_action("answer")
    await box.fill("half a reply")
    for leave in (ann.open_direct, ann.reload_direct):
        await leave("bo")
        await ann.open_lobby()
        await expect(strip).to_contain_text("Replying to Bo What time?")
        await expect(box).to_have_value("half a reply")
    await box.fill("")
    await box.press("Escape")
    await box.press("ArrowUp")
    await box.fill("half an edit")
    for leave in (ann.open_direct, ann.reload_direct):
        await leave("bo")
        await ann.open_lobby()
        await expect(strip).to_contain_text("Editing your message")
        await expect(box).to_have_value("half an edit")
    await ann.page.locator("chat-message").first.hover()
    await ann.press_action("answer")
    await expect(box).to_have_value("")  # the edit waits beside the reply
    await box.press("Escape")
    await box.press("ArrowUp")
    await expect(box).to_have_value("half an edit")
    await box.press("Enter")
    await expect(last.locator(".message-body")).to_have_text("half an edit (edited)")


async def test_each_tab_keeps_its_draft_and_a_sent_draft_is_removed_from_the_others(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await bo.say("What time?")
    await ann.expect_last("What time?")
    page, other = ann.page, await second_tab(ann)
    box, other_box = page.locator(BOX), other.locator(BOX)
    await page.locator("chat-message").first.hover()
    await ann.press_action("answer")
    await box.fill("alpha")
    await expect(other_box).to_have_value("")
    await other_box.fill("beta")
    await page.reload()
    await ann.wait_until_loaded()
    await expect(box).to_have_value("alpha")
    await expect(page.locator(STRIP)).to_contain_text("Replying to Bo")
    await other.reload()
    await expect(other_box).to_have_value("beta")
    await expect(other.locator(STRIP)).to_be_hidden()
    await other_box.press("Enter")
    await expect(other_box).to_have_value("")
    await ann.expect_last("beta")
    await expect(box).to_have_value("alpha")

    third = await second_tab(ann)  # shows the text of the other tabs
    await expect(third.locator(BOX)).to_have_value("alpha")
    await expect(third.locator(STRIP)).to_contain_text("Replying to Bo")
    await box.fill("alpha and omega")
    await expect(third.locator(BOX)).to_have_value("alpha and omega")
    await other_box.fill("  alpha and omega\n")  # typed there as well
    await expect(box).to_have_value("alpha and omega")
    await box.fill("  alpha and omega")
    await box.press("Enter")
    for each in (box, other_box, third.locator(BOX)):
        await expect(each).to_have_value("")
    await expect(third.locator(STRIP)).to_be_hidden()
    await ann.expect_last("  alpha and omega")
    assert (
        await page.evaluate("Object.keys(localStorage).filter((name) => name.includes('draft:'))")
        == []
    )


async def second_tab(window: Window) -> Page:
    tab = await window.page.context.new_page()
    await tab.goto("/index")
    await expect(tab.locator("message-list")).to_have_attribute("data-state", "loaded")
    return tab


async def test_conversations_with_unsent_text_are_marked_in_the_list(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    page, box = ann.page, ann.page.locator(BOX)
    lobby, bo = page.locator("[data-section=rooms] li").first, page.locator("[data-user=bo]")
    await box.fill("half a word")
    await expect(lobby.locator(".row-draft")).to_be_hidden()  # it is open
    await ann.open_direct("bo")
    await expect(lobby.locator(".row-draft")).to_be_visible()
    await box.fill("hello")
    await ann.open_lobby()
    await expect(lobby.locator(".row-draft")).to_be_hidden()
    await expect(bo.locator(".row-draft").and_(page.locator(":visible"))).to_have_count(1)
    await ann.open_direct("bo")
    await box.fill("")
    await ann.open_lobby()
    await expect(bo.locator(".row-draft").and_(page.locator(":visible"))).to_have_count(0)


async def test_unanswered_edits_and_reactions_are_sent_after_a_reload(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await ann.say("frist")
    await bo.expect_last("frist")
    await ann.page.evaluate(DROP_CHANGES)
    await ann.page.locator("chat-message").hover()
    await ann.press_action("pick")
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
    await ann.wait_until_loaded()
    await expect(bo.page.locator(".message-body")).to_have_text("first (edited)")
    await expect(bo.page.locator(".reaction")).to_have_text("👍1")
    await ann.expect_last("first")
    assert await ann.unsent() == 0


async def test_the_outbox_survives_cleared_site_data_and_warns_when_the_disk_is_full(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("ERR_INTERNET_DISCONNECTED")
    banner = ann.page.locator("storage-banner")
    await ann.page.context.set_offline(True)
    await ann.say("one")
    await wait_for_stored(ann, 1)
    session = await ann.page.context.new_cdp_session(ann.page)
    facts = {"origin": ann.chat.url, "storageTypes": "indexeddb"}
    await session.send("Storage.clearDataForOrigin", facts)
    await wait_for_stored(ann, 1)
    await expect(banner).to_have_attribute("data-state", "hidden")
    await ann.page.evaluate(FILL_THE_DISK)
    await ann.say("two")
    await expect(banner).to_contain_text(UNKEPT)
    assert await ann.page.evaluate(ASKS_BEFORE_CLOSING)
    await ann.page.context.set_offline(False)
    await ann.expect_last("two")
    await expect(banner).to_have_attribute("data-state", "hidden")
    assert not await ann.page.evaluate(ASKS_BEFORE_CLOSING)


async def test_a_room_that_is_opened_offline_shows_when_it_will_load(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("ERR_INTERNET_DISCONNECTED")
    await ann.say("one")
    await ann.reload_direct("ann")
    await ann.page.context.set_offline(True)
    await ann.page.locator("[data-section=rooms] a").first.click()
    offline = ann.page.locator(".messages-offline")
    await expect(offline.locator(".offline-waiting")).to_be_visible()
    await ann.page.context.set_offline(False)
    await ann.expect_last("one")
    await expect(offline).to_be_hidden()


async def test_a_browser_without_storage_shows_the_chat_and_a_banner(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    for kind in ("indexedDB", "localStorage"):
        await ann.page.add_init_script(
            f"Object.defineProperty(window, '{kind}', {{ get() {{ throw new Error(); }} }});"
        )
    await ann.page.add_init_script("delete Promise.withResolvers")
    await ann.page.reload()
    await ann.wait_until_loaded()
    await expect(ann.page.locator("storage-banner")).to_contain_text("stores nothing")
    await ann.page.locator("storage-banner button").click()
    await expect(ann.page.locator("storage-banner")).to_have_attribute("data-state", "hidden")
    await ann.page.locator(BOX).fill("a draft")
    await expect(ann.page.locator("storage-banner")).to_contain_text(UNKEPT)
    await ann.open_direct("ann")
    await ann.open_lobby()
    await expect(ann.page.locator(BOX)).to_have_value("a draft")
    await ann.page.keyboard.press("Enter")
    await ann.expect_last("a draft")


async def wait_for_stored(window: Window, count: int) -> None:
    """Wait until the browser stores that many entries of the outbox."""
    await window.page.wait_for_function(STORES, arg=count)


async def test_an_edit_or_a_reply_that_is_interrupted_is_continued_afterwards(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    page, box, strip = ann.page, ann.page.locator(BOX), ann.page.locator(STRIP)
    for text in ("one", "two"):
        await ann.say(text)
        await ann.expect_last(text)
    first, last = page.locator("chat-message").first, page.locator("chat-message").last
    await box.press("ArrowUp")
    await box.fill("two changed")
    await first.hover()
    await ann.press_action("answer")
    await expect(strip).to_contain_text("Replying to Ann")
    await expect(box).to_have_value("")
    await box.fill("a reply")
    await first.hover()
    await ann.press_action("edit")
    await expect(box).to_have_value("one")
    await page.reload()
    await ann.wait_until_loaded()
    await ann.say("one changed")
    await expect(first.locator(".message-text")).to_have_text("one changed")
    await expect(strip).to_contain_text("Replying to Ann")
    await expect(box).to_have_value("a reply")
    await box.press("Enter")
    await ann.expect_last("a reply")
    await expect(strip).to_contain_text("Editing your message")
    await expect(box).to_have_value("two changed")
    await first.hover()
    await ann.press_action("answer")
    await box.press("Escape")
    await expect(box).to_have_value("two changed")
    await box.press("Enter")
    await expect(strip).to_be_hidden()
    await expect(box).to_have_value("")
    texts = page.locator(".message-text")
    await expect(texts).to_have_text(["one changed", "two changed", "a reply"])
    await expect(last.locator(".quote-text")).to_have_text("one changed")

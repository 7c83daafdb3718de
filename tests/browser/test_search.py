"""Search: results are shown in their context, from which the user can return to the end."""

import pytest
from playwright.async_api import expect

from chatserver.protocol import Type
from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import User

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINES = 700
SHOWN = (
    """() => [...document.querySelectorAll("chat-message")].map(({ dataset }) => +dataset.seq)"""
)
TOP = """(seq) => document.querySelector(`[data-seq="${seq}"]`).getBoundingClientRect().top"""
SCROLL = "(by) => document.querySelector('.messages-scroll').scrollBy(0, by)"


async def test_an_old_message_is_found_and_shown_in_its_context(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="陈波")
    await send_many(bo)
    page, found = ann.page, ann.page.locator(".hit")
    await page.locator("#composer-text").press("Escape")  # to the end
    await ann.expect_last(f"line {LINES}")
    await expect_hits(ann, bo)

    await page.locator("search-panel [type=search]").fill("第三块硬盘 from:bo")
    await expect(found).to_contain_text("大家好，第三块硬盘又报错了！")
    await found.click()
    old = page.locator("[data-seq='40']")
    await expect(old).to_be_focused()
    await expect(old).to_be_in_viewport()
    seqs = await page.evaluate(SHOWN)
    assert seqs == list(range(seqs[0], seqs[-1] + 1))
    assert seqs[-1] < LINES / 2  # messages in between were not loaded
    await ann.page.keyboard.press("Control+Shift+f")
    await expect_live_history(ann, bo)

    await page.locator(".messages-jump").click()
    await ann.expect_last("the newest")
    await expect(page.locator(".messages-jump")).to_be_hidden()
    await expect(page).to_have_title("(1) Lobby · chatserver")  # bo's note
    await found.click()  # the same address again
    await expect(old).to_be_focused()
    await ann.say("Enough of the past")
    await ann.expect_last("Enough of the past")


async def test_filters_accept_the_names_shown_on_a_chinese_page(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="王博")
    await (await bo.connect()).say("大家好")
    chinese = await ann.another(locale="zh-CN")
    await expect(chinese.page.locator(".topbar-title")).to_have_text("大厅")
    await chinese.page.keyboard.press("Control+Shift+f")
    await chinese.page.locator("search-panel [type=search]").fill("in:大厅 from:王博")
    await expect(chinese.page.locator(".hit")).to_contain_text("大家好")


async def send_many(bo: User) -> None:
    device = await bo.connect()
    for number in range(1, LINES + 1):
        text = "大家好，第三块硬盘又报错了！" if number == 40 else f"line {number}"
        await device.send({"type": Type.GROUP_CHAT, "data": text, "id": f"line-{number}"})
    assert (await device.reply(f"line-{LINES}"))["seq"] == LINES


async def expect_hits(ann: Window, bo: User) -> None:
    """Results are newest first, in pages, with highlights; errors are explained."""
    page, found = ann.page, ann.page.locator(".hit")
    await page.keyboard.press("Control+Shift+f")
    await expect(page.locator(".search-help")).to_be_visible()
    await page.locator("[data-filter='in:']").click()
    await page.keyboard.type("lobby LINE")
    await expect(found).to_have_count(30)
    await expect(page.locator(".search-status")).to_have_text("The newest 30 messages")
    await expect(found.first.locator("mark")).to_have_text("line")
    await expect(found.first).to_contain_text("陈波 #Lobby")
    await page.locator(".search-more").click()
    await expect(found).to_have_count(60)
    await expect(found.last).to_contain_text(f"line {LINES - 59}")
    ann.allow_console_errors("status of 400")
    box = page.locator("search-panel [type=search]")
    await box.fill("from:nobody line")
    await expect(page.locator("search-panel .form-problem")).to_have_text(
        "No one here is called nobody."
    )
    await box.fill("nowhere")
    await expect(page.locator(".search-status")).to_have_text("Nothing found")
    await bo.ask("POST", "/api/direct/ann/messages", {"data": "nowhere but here"})
    await page.locator(".search-here").check()
    await expect(page.locator(".search-status")).to_have_text("Nothing found")
    await page.locator(".search-here").uncheck()
    await expect(found).to_contain_text("@bo")


async def expect_live_history(ann: Window, bo: User) -> None:
    """Edits are shown, the scroll position is stable, and later messages follow without a gap."""
    page, path = ann.page, "/api/rooms/1/messages"
    where = await page.evaluate(TOP, 40)
    await bo.ask("PATCH", f"{path}/41", {"data": "edited in the past"})
    await expect(page.locator("[data-seq='41'] .message-text")).to_have_text("edited in the past")
    await bo.ask("POST", path, {"data": "the newest"})
    await expect(page.locator(".messages-jump")).to_have_text("1 new")
    assert abs(await page.evaluate(TOP, 40) - where) < 2
    before = (await page.evaluate(SHOWN))[-1]
    for _ in range(3):
        await page.evaluate(SCROLL, 20_000)
        await page.wait_for_function(f"(seq) => Math.max(...({SHOWN})()) > seq", arg=before)
        seqs = await page.evaluate(SHOWN)
        before = seqs[-1]
        assert seqs == list(range(seqs[0], seqs[-1] + 1))
        assert len(seqs) <= 300


async def test_symbols_and_other_spellings_are_found_and_highlighted(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo")
    await (await bo.connect()).say("An e-mail of 2026-11-24 about Hauptstraße and the STRASSE")
    page = ann.page
    await page.keyboard.press("Control+Shift+f")
    box, marks = page.locator("search-panel [type=search]"), page.locator(".hit mark")
    for query, found in {
        "e-mail": "e-mail",
        "2026-11-24": "2026-11-24",
        "straße": "STRASSE",
    }.items():
        await box.fill(query)
        await expect(marks).to_have_text([found])

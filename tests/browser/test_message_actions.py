"""Actions on messages by mouse, keyboard and touch."""

import re

import pytest
from playwright.async_api import Page, expect

from chatserver.protocol import Type
from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_enter_sends_unless_a_suggestion_was_chosen(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("user003", display="Ada Wall")
    await ann.page.reload()
    await ann.wait_until_loaded()
    box, rows = ann.page.locator("#composer-text"), ann.page.locator("#names .option-more")
    await box.press_sequentially("Meeting moved @all")
    await expect(rows).to_have_text(["@all", "@user003"])
    await expect(box).not_to_have_attribute("aria-activedescendant", "name-0")
    await box.press("Enter")
    await ann.expect_last("Meeting moved @all")
    await expect(box).to_have_value("")
    await box.press_sequentially("Hi @wal")
    await box.press("ArrowUp")
    await box.press("Enter")
    await expect(box).to_have_value("Hi @user003 ")
    await box.press_sequentially(":smi")
    await expect(rows.first).to_have_text(":smile:")
    await box.press("Escape")
    await box.press("Enter")
    await ann.expect_last("Hi @Ada Wall :smi")


async def test_users_outside_a_private_room_are_suggested_after_its_members(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    for name in ("li1", "li2"):
        await ann.chat.user(name, display=f"李四{name}")
    red = await ann.chat.user("red", display="李小红")
    room = (
        await red.ask("POST", "/api/rooms", {"name": "den", "private": True, "users": ["ann"]})
    ).json
    await ann.page.goto(f"/index#/room/{room['room']}")
    await ann.page.reload()
    await ann.wait_until_loaded()
    await ann.page.locator("#composer-text").press_sequentially("@李")
    await expect(ann.page.locator("#names li")).to_have_text(
        ["李小红 @red", "Not in this room", "李四li1 @li1", "李四li2 @li2"]
    )
    await ann.page.keyboard.press("Tab")
    await expect(ann.page.locator("#composer-text")).to_have_value("@red ")


async def test_users_can_react_reply_edit_and_delete(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "陈波")
    page = ann.page
    await ann.expect_online("ann", "bo")
    await page.locator("#composer-text").press_sequentially("Hi ＠陈")
    await expect(page.locator("#names .option-more").first).to_have_text("@bo")
    await expect(page.locator("#names [aria-selected=true]")).to_have_count(0)
    await page.keyboard.press("Tab")
    await page.keyboard.type("how are you?")
    await page.keyboard.type(" at 12:30 :smi")
    await expect(page.locator("#names .option-more").first).to_have_text(":smile:")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#composer-text")).to_have_attribute(
        "aria-activedescendant", "name-0"
    )
    await page.keyboard.press("Enter")
    await page.keyboard.type(" :tada: http://smile")
    await expect(page.locator("#names")).to_be_hidden()
    await expect(page.locator("#composer-text")).to_have_value(
        "Hi @bo how are you? at 12:30 😄 🎉 http://smile"
    )
    await page.locator("#composer-text").fill("Hi @bo how are you?")
    await expect(bo.page.locator(".typing")).to_have_text("Ann is writing…")
    await page.keyboard.press("Enter")
    await bo.expect_last("Hi @陈波 how are you?")
    await expect(bo.page.locator(".message-mentions-me .mention-me")).to_have_text("@陈波")
    await expect(bo.page.locator(".typing")).to_be_empty()

    await bo.page.locator("chat-message").hover()
    await bo.press_action("pick")
    await bo.page.locator(".emoji-search input").fill("加油")
    await expect(bo.page.locator(".emoji:visible").first).to_have_text("✊")
    await bo.page.locator(".emoji-search input").fill("thumbs up")
    await expect(bo.page.locator(".emoji:visible")).to_have_text(["👍"])
    await bo.page.keyboard.press("Enter")
    reaction = page.locator(".reaction")
    await expect(reaction).to_have_text("👍1")
    await expect(reaction).to_have_attribute("aria-pressed", "false")
    await reaction.click()
    await expect(bo.page.locator(".reaction")).to_have_text("👍2")
    await reaction.click()
    await expect(bo.page.locator(".reaction")).to_have_text("👍1")

    await bo.press_action("answer")
    await expect(bo.page.locator(".composer-strip")).to_contain_text("Replying to Ann")
    await bo.say("Fine, 谢谢")
    await ann.expect_last("Fine, 谢谢")
    await expect(page.locator(".message-quote:visible")).to_have_text("Ann Hi @bo how are you?")
    await page.locator(".message-quote:visible").click()
    await expect(page.locator("chat-message").first).to_be_focused()

    await page.locator("#composer-text").focus()
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#composer-text")).to_have_value("Hi @bo how are you?")
    await page.keyboard.press("Escape")
    await expect(page.locator("#composer-text")).to_have_value("")
    await page.keyboard.press("ArrowUp")
    await ann.say("Hello @bo")
    first = bo.page.locator("chat-message").first
    await expect(first.locator(".message-body")).to_have_text("Hello @陈波 (edited)")
    await expect(bo.page.locator(".quote-text:visible")).to_have_text("Hello @bo")

    await page.keyboard.press("Shift+Tab")  # the last message
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("chat-message").first).to_be_focused()
    await ann.press_action("remove", key="Enter")
    await expect(page.locator("confirm-dialog h2")).to_have_text("Delete this message?")
    await page.locator(".confirm-yes").click()
    await expect(page.locator("confirm-dialog dialog")).to_be_hidden()
    await expect(page.locator(".message-deleted")).to_have_count(1)
    await expect(first.locator(".message-text")).to_have_text("This message was deleted.")
    await expect(bo.page.locator(".quote-text:visible")).to_have_text("This message was deleted.")


async def test_emoji_can_be_picked_by_keyboard(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    page = ann.page
    await ann.say("Lunch?")
    await ann.expect_last("Lunch?")
    await page.keyboard.press("Shift+Tab")
    await ann.press_action("pick", key="Enter")
    focused = page.locator(".emoji:focus")
    await expect(focused).to_have_attribute("data-emoji", "👍")
    second_row = await page.locator(".emoji").nth(8).get_attribute("data-emoji")
    await page.keyboard.press("ArrowDown")
    await expect(focused).to_have_attribute("data-emoji", str(second_row))
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(page.locator(".emoji-search input")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.type("thumbs d")  # what is typed searches, wherever the focus is
    await expect(page.locator(".emoji:visible")).to_have_text(["👎"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".reaction")).to_have_text("👎1")


async def test_shift_tab_moves_to_the_last_message_and_tab_to_its_controls_only(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    page, box = ann.page, ann.page.locator("#composer-text")
    messages = page.locator("chat-message")
    for number, text in enumerate(("first", "last"), start=1):
        await ann.say(text)
        await ann.expect_last(text)
        await press_all(page, "Shift+Tab", "Tab", "Enter")
        await page.locator(".emoji:focus").press("Enter")
        await expect(page.locator(".reaction")).to_have_count(number)
        await box.click()
    await box.fill("half written")
    await messages.first.hover()
    await press_all(page, "Shift+Tab")
    await expect(messages.last).to_be_focused()
    await press_all(page, *["Tab"] * 7)
    await expect(messages.last.locator(".reaction")).to_be_focused()
    await press_all(page, "Tab")
    await expect(box).to_be_focused()
    await press_all(page, "Shift+Tab", "ArrowUp", "Tab")
    await expect(messages.first.locator("[data-action=pick]")).to_be_focused()
    await press_all(page, *["Tab"] * 7)
    await expect(messages.last).to_be_focused()
    await expect(box).to_have_value("half written")


async def press_all(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_a_link_opens_an_old_message(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    cy = await ann.chat.user("cy")
    for number in range(1, 91):
        await cy.ask("POST", "/api/rooms/1/messages", {"data": f"line {number}"})
    await ann.expect_last("line 90")
    await ann.page.goto("about:blank")
    await ann.page.goto("/index#/room/1/7")
    found = ann.page.locator("[data-seq='7']")
    await expect(found).to_be_focused()
    await expect(found).to_be_in_viewport()
    await ann.page.keyboard.press("Escape")
    await expect(ann.page.locator("[data-seq='90']")).to_be_in_viewport()
    await expect(ann.page.locator("#composer-text")).to_be_focused()


async def test_a_button_on_every_message_opens_its_actions_on_touch(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    phone = await ann.another(
        has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800}
    )
    for text in ("Hello", "Are **you** there?"):
        await ann.say(text)
        await phone.expect_last(text.replace("*", ""))
    await expect(ann.page.locator(".message-more").last).to_be_hidden()
    more = phone.page.locator(".message-more").last
    size = await more.bounding_box()
    assert size
    assert min(size["width"], size["height"]) >= 44
    await more.tap()
    actions = phone.page.locator("chat-message message-actions button:visible")
    await expect(actions).to_have_count(6)
    toolbar = await phone.page.locator("chat-message message-actions").bounding_box()
    message = await phone.page.locator("chat-message").last.bounding_box()
    assert toolbar
    assert message
    assert toolbar["y"] + toolbar["height"] <= message["y"] + 1  # above its message, not over it
    for box in [await button.bounding_box() for button in await actions.all()]:
        assert box
        assert min(box["width"], box["height"]) >= 44
    await phone.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await phone.page.locator("[data-action=link]").tap()
    await expect(phone.page.locator(".toast")).to_have_text("Link copied")
    await phone.page.locator("#composer-text").tap()
    await phone.page.keyboard.press("Control+v")
    await expect(phone.page.locator("#composer-text")).to_have_value(
        f"{ann.chat.url}/index#/room/1/2"
    )
    await more.tap()
    await phone.page.locator("[data-action=copy]").tap()
    await expect(phone.page.locator(".toast")).to_have_text("Text copied")
    await phone.page.locator("#composer-text").fill("")
    await phone.page.keyboard.press("Control+v")
    await expect(phone.page.locator("#composer-text")).to_have_value("Are **you** there?")
    await phone.page.evaluate("document.execCommand = () => false")
    await more.tap()
    await phone.page.locator("[data-action=copy]").tap()
    await expect(phone.page.locator(".toast")).to_have_text("The browser did not allow copying.")


async def test_a_long_press_opens_the_actions(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    phone = await ann.another(
        has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800}
    )
    await ann.say("Hello")
    await phone.expect_last("Hello")
    touch = await phone.page.context.new_cdp_session(phone.page)
    box = await phone.page.locator(".message-text").bounding_box()
    assert box
    point = {"x": box["x"] + 20, "y": box["y"] + 8}
    await touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    button = phone.page.locator("[data-action=edit]")
    await expect(button).to_be_visible()
    await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    size = await button.bounding_box()
    assert size
    assert min(size["width"], size["height"]) >= 44
    await button.tap()
    await expect(phone.page.locator("#composer-text")).to_have_value("Hello")

    await ann.page.locator("chat-message").hover()
    await ann.press_action("pick")
    await ann.page.locator(".emoji:visible").first.click()
    reaction, toast = phone.page.locator(".reaction"), phone.page.locator(".toast")
    box = await reaction.bounding_box()
    assert box
    point = {"x": box["x"] + 10, "y": box["y"] + 10}
    await touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    await expect(toast).to_have_text("👍 by Ann")
    await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await expect(reaction).to_have_attribute("aria-pressed", "true")
    await phone.page.locator("#composer-text").tap()  # otherwise the next tap would be a double tap
    await reaction.tap()
    await expect(reaction).to_have_count(0)  # it was one's own, and a tap takes it back


async def test_rooms_can_be_opened_by_keyboard(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "陈波")
    page, title = ann.page, ann.page.locator(".topbar-title")
    await ann.expect_online("ann", "bo")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("陈")
    await page.keyboard.press("Enter")
    await expect(title).to_have_text("陈波")
    await ann.say("Hi")
    await bo.open_user("ann")
    await page.keyboard.press("Alt+ArrowUp")
    await expect(title).to_have_text("Lobby")
    await bo.say("Hello")
    await expect(page).to_have_title("(1) Lobby · chatserver")
    await page.keyboard.press("Alt+Shift+ArrowDown")
    await expect(title).to_have_text("陈波")
    await expect(page).to_have_title("陈波 · chatserver")
    await page.keyboard.press("Control+/")
    await expect(page.locator(".keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".keys")).to_be_hidden()


async def test_an_edit_of_a_deleted_message_is_offered_as_a_new_message(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    cy = await (await ann.chat.user("cy", admin=True)).connect()
    await ann.say("frist **thing**")
    await ann.expect_last("frist thing")
    seq = await ann.page.locator("chat-message").last.get_attribute("data-seq")
    box, strip = ann.page.locator("#composer-text"), ann.page.locator(".composer-strip")
    await box.press("ArrowUp")
    await box.fill("first thing")
    ann.allow_console_errors("WebSocket|ERR_|Failed to load")
    await ann.page.context.set_offline(True)
    await ann.wait_until_disconnected()
    await box.press("Enter")
    await cy.send({"type": Type.DELETE, "id": "d", "room": 1, "target": int(seq or 0)})
    await ann.page.context.set_offline(False)
    await ann.page.evaluate("dispatchEvent(new Event('online'))")
    failed = ann.page.locator("[data-state=failed]")
    await expect(failed).to_have_class(re.compile("message-deleted"))
    await expect(failed.locator(".message-problem")).to_have_text(
        "Edit not saved. The message was deleted in the meantime."
    )
    await expect(failed.locator(".message-retry")).to_be_hidden()
    await failed.locator(".message-rewrite").click()
    await expect(strip).to_have_text("This becomes a new message: the old one was deleted.")
    await box.press("Enter")
    await ann.expect_last("first thing")
    await expect(strip).to_be_hidden()
    await expect(ann.page.locator(".message-quote:visible")).to_have_count(0)


async def test_arrow_up_edits_the_last_message_and_an_empty_edit_offers_to_delete_it(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("WebSocket|ERR_|Failed to load")
    page, box = ann.page, ann.page.locator("#composer-text")
    await ann.say("sent")
    await ann.expect_last("sent")
    await page.context.set_offline(True)
    await ann.wait_until_disconnected()
    await ann.say("waits")
    waiting = page.locator("chat-message[data-state=waiting]")
    await expect(waiting).to_have_count(1)
    await box.press("ArrowUp")
    await expect(box).to_have_value("waits")
    await expect(waiting).to_have_count(0)
    await expect(page.locator(".composer-strip")).to_be_hidden()
    await box.fill("")
    await page.context.set_offline(False)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator("connection-banner")).to_have_attribute("data-state", "hidden")
    for button, left in ((".confirm-no", 0), (".confirm-yes", 1)):
        await box.press("ArrowUp")
        await expect(box).to_have_value("sent")
        await box.fill("")
        await box.press("Enter")
        await expect(page.locator("confirm-dialog h2")).to_have_text("Delete this message?")
        await page.locator(button).click()
        await expect(page.locator(".message-deleted")).to_have_count(left)
        strip = page.locator(".composer-strip")
        await (expect(strip).to_be_hidden() if left else expect(strip).to_be_visible())
        await box.press("Escape")


async def test_a_link_into_this_chat_opens_in_the_same_page(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.say("**bold** words")
    await ann.expect_last("bold words")
    seq = await ann.page.locator("chat-message").last.get_attribute("data-seq")
    for path in (f"/index#/room/1/{seq}", "/index#other", "/login"):
        await ann.say(f"{ann.chat.url}{path}")
        await ann.expect_last(f"{ann.chat.url}{path}")
    targets = await ann.page.locator(".message-text a").evaluate_all(
        "all => all.map(a => a.target)"
    )
    assert targets == ["", "_blank", "_blank"]
    await ann.page.locator(".message-text a").first.click()
    await expect(ann.page.locator(".message-found .message-text")).to_have_text("bold words")
    assert len(ann.page.context.pages) == 1


async def test_dropped_files_are_attached_except_to_an_edit_and_texts_are_not(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    toast, tray = ann.page.locator("toast-line"), ann.page.locator(".attachment")
    for count, (name, kinds, taken) in enumerate(
        (
            ("paste", ["file", "text"], False),
            ("drop", ["text"], False),
            ("paste", ["file"], True),
            ("drop", ["file"], True),
        )
    ):
        assert await ann.page.evaluate(TRANSFER, [name, kinds]) == taken
        await expect(tray).to_have_count(max(0, count - 1))
    for remove in reversed(await tray.locator("button").all()):
        await remove.click()
    await ann.say("hello")
    await ann.expect_last("hello")
    await ann.page.locator("#composer-text").press("ArrowUp")
    assert await ann.page.evaluate(TRANSFER, ["drop", ["file"]])
    await expect(toast).to_have_text("You can't add files while editing.")


async def test_open_suggestions_explain_tab_and_enter(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    box = ann.page.locator("#composer-text")
    hint = ann.page.locator(".composer-hint:visible")
    await box.press_sequentially("hello")
    await box.press("Enter")
    await ann.expect_last("hello")
    await box.press("ArrowUp")
    await expect(hint).to_have_text("Enter saves · Esc cancels", use_inner_text=True)
    await box.press("Escape")
    await box.press_sequentially("please ask @al")
    await expect(hint).to_have_text("Tab completes · Enter sends", use_inner_text=True)
    await box.press("ArrowDown")
    await expect(hint).to_have_count(0)
    await box.press("Escape")
    await expect(hint).to_contain_text("starts a new line", use_inner_text=True)


TRANSFER = """([name, kinds]) => {
  const data = new DataTransfer();
  if (kinds.includes("file")) data.items.add(new File(["x"], "x.png", { type: "image/png" }));
  if (kinds.includes("text")) data.setData("text/plain", "words");
  const facts = { bubbles: true, cancelable: true };
  const event = name === "paste"
    ? new ClipboardEvent(name, { ...facts, clipboardData: data })
    : new DragEvent(name, { ...facts, dataTransfer: data });
  return !document.querySelector("#composer-text").dispatchEvent(event);
}"""


async def test_text_of_an_edit_or_reply_becomes_a_new_message_when_the_message_is_deleted(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    cy = await (await ann.chat.user("cy", admin=True)).connect()
    page, box = ann.page, ann.page.locator("#composer-text")
    strip = page.locator(".strip-title")
    for action, notice in (("edit", "the old one was deleted"), ("answer", "you reply to was")):
        await ann.say("mine")
        await ann.expect_last("mine")
        last = page.locator("chat-message").last
        await last.focus()
        await ann.press_action(action, key="Enter")
        await box.fill("other words")
        await last.locator(".message-text").hover()
        await expect(last.locator(".actions")).to_be_visible()
        seq = int(await last.get_attribute("data-seq") or 0)
        await cy.send({"type": Type.DELETE, "id": action, "room": 1, "target": seq})
        await expect(strip).to_contain_text(notice)
        await expect(last.locator(".actions")).to_have_count(0)
        await expect(box).to_have_value("other words")
        await box.press("Enter")
        await ann.expect_last("other words")
        await expect(page.locator(".message-quote:visible")).to_have_count(0)


async def test_an_archived_room_is_found_in_the_switcher_and_among_rooms(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    me = await ann.chat.logged_in("ann")
    room = (await me.ask("POST", "/api/rooms", {"name": "plans"})).json["room"]
    await me.ask("PATCH", f"/api/rooms/{room}", {"archived": True})
    page, title = ann.page, ann.page.locator(".topbar-title")
    await expect(page.locator("[data-section=rooms] li")).to_have_count(1)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("plans")
    await expect(page.locator("#switcher-options .option-more")).to_have_text("Archived")
    await page.keyboard.press("Enter")
    await expect(title).to_have_text("plans")
    await ann.open_lobby()
    await page.locator("[data-open=rooms]").click()
    await page.locator(".rooms-closed summary").click()
    await page.locator(".rooms-archived a").click()
    await expect(title).to_have_text("plans")


async def test_escape_closes_the_search_and_then_jumps_to_the_end(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    for text in ("needle", "\n".join("line" * 20), "last"):
        await (await ann.chat.logged_in("ann")).ask(
            "POST", "/api/rooms/lobby/messages", {"data": text}
        )
    page = ann.page
    await ann.expect_last("last")
    await page.keyboard.press("Control+Shift+F")
    await page.locator("search-panel [type=search]").fill("needle")
    await page.locator(".hit").click()
    found = page.locator("chat-message").first
    await expect(found).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("search-panel")).to_be_hidden()
    await expect(found).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("chat-message").last).to_be_in_viewport()
    await expect(page.locator("#composer-text")).to_be_focused()

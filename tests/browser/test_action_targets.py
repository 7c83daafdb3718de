"""Texts and actions reach their intended target while the page changes."""

import json
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from chatserver.errors import CloseCode
from chatserver.protocol import Type
from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import User

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOX = "#composer-text"
TITLE = ".topbar-title"
MISSING = "status of (403|404)"


async def rooms(admin: User, *titles: str, private: bool = True) -> dict[str, int]:
    """Create rooms of bo with the members ann and cy; return them by title."""
    made = {}
    for title in titles:
        facts = {"name": title.lower(), "title": title, "private": private}
        answer = await admin.ask("POST", "/api/rooms", facts | {"users": ["ann", "cy"]})
        assert answer.status == 201
        made[title] = answer.json["room"]
    return made


async def room(user: User, number: int) -> Any:
    return (await user.ask("GET", f"/api/rooms/{number}")).json


async def texts(user: User, number: int) -> list[str]:
    answer = await user.ask("GET", f"/api/rooms/{number}/events?after=0")
    return [event["data"] for event in answer.json["events"] if event["type"] == Type.GROUP_CHAT]


async def window_and_two_users(enter: EnterChat) -> tuple[Window, User, User]:
    """A window of ann, an administrator; bo and cy."""
    ann = await enter("ann", "Ann")
    ann.allow_console_errors(MISSING)
    return ann, await ann.chat.user("bo"), await ann.chat.user("cy")


async def hold_requests(page: Page, pattern: str, method: str) -> list[Any]:
    """Hold requests of that kind until the test continues them; return them."""
    waiting: list[Any] = []

    async def judge(route: Any) -> None:
        if route.request.method == method:
            waiting.append(route)
        else:
            await route.continue_()

    await page.route(pattern, judge)
    return waiting


async def open_settings(window: Window) -> None:
    await window.page.locator(".topbar-room").click()
    await window.page.locator("[data-open=room]").click()
    await expect(window.page.locator("room-dialog dialog")).to_be_visible()


# Loss of the open room ---------------------------------------------------------------------------


async def test_a_removed_member_who_keeps_typing_posts_nothing_elsewhere(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await bo.ask("POST", f"/api/rooms/{den}/messages", {"data": "hello"})
    page = ann.page
    ann.allow_console_errors("404")
    await ann.open_room("Den")
    await page.locator(BOX).press_sequentially("The password of the safe ")
    await bo.ask("DELETE", f"/api/rooms/{den}/members/ann")
    banner = page.locator(".room-banner")
    await expect(banner.locator(".room-banner-text")).to_have_text("Bo removed you from Den.")
    await page.keyboard.type("is 4711")
    await page.keyboard.press("Enter")
    await expect(page.locator(TITLE)).to_have_text("Den")
    await expect(page.locator(BOX)).to_be_hidden()
    await expect(banner).to_be_focused()
    await expect(banner.locator("textarea")).to_have_value("The password of the safe ")
    await banner.hover()  # rows stay as they are while the pointer rests on one of them
    await expect(ann.rooms()).to_have_text(["Lobby"])
    await expect(page.locator("chat-message")).to_have_count(1)  # what was read stays
    assert await texts(bo, 1) == []
    assert await texts(bo, den) == ["hello"]

    await ann.open_lobby()
    await expect(page.locator(BOX)).to_have_value("")
    await page.go_back()
    await expect(banner.locator(".room-banner-text")).to_contain_text("you don't have access to it")
    await page.reload()
    await expect(banner.locator(".room-banner-text")).to_contain_text("you don't have access to it")
    await bo.ask("POST", f"/api/rooms/{den}/members", {"users": ["ann"]})
    await expect(page.locator(BOX)).to_have_value("The password of the safe ")
    await expect(banner).to_be_hidden()
    await ann.expect_last("hello")


async def test_a_missing_room_does_not_open_the_lobby(enter: EnterChat) -> None:
    ann, *_ = await window_and_two_users(enter)
    page = ann.page
    ann.allow_console_errors("404")
    await page.goto("/index#/room/4711")
    await expect(page.locator(".room-banner-text")).to_contain_text("does not exist")
    await expect(page.locator(TITLE)).to_have_text("Not available")
    await expect(page.locator(BOX)).to_be_hidden()
    await page.locator(".room-banner-home").click()
    await expect(page.locator(TITLE)).to_have_text("Lobby")
    await expect(page.locator(BOX)).to_be_visible()
    await page.go_back()
    await expect(page.locator(TITLE)).to_have_text("Not available")


async def test_a_room_lost_while_offline_shows_a_banner(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    ann.allow_console_errors("WebSocket|ERR_|Failed")
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    await ann.page.context.set_offline(True)
    await ann.wait_until_disconnected()
    await ann.page.locator(BOX).press_sequentially("half a ")
    await bo.ask("DELETE", f"/api/rooms/{den}/members/ann")
    await ann.page.context.set_offline(False)
    await expect(ann.page.locator(".room-banner-text")).to_be_visible()
    await ann.page.keyboard.type("thought")
    await ann.page.keyboard.press("Enter")
    await expect(ann.page.locator(".room-banner-draft textarea")).to_have_value("half a ")
    assert await texts(bo, 1) == []


async def test_after_a_restore_nothing_is_posted_in_another_room_with_that_id(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    ann.allow_console_errors("WebSocket|ERR_|Failed")
    den = (await rooms(bo, "Den"))["Den"]
    restored = False

    def forward(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def deliver(data: str | bytes) -> None:
            frame = json.loads(data)
            if restored and frame["type"] == Type.WELCOME:
                frame["epoch"] = "of the backup"
                frame["rooms"][1] |= {"name": "pub", "title": "Pub"}
            route.send(json.dumps(frame))

        server.on_message(deliver)

    await ann.page.route_web_socket("**/ws?*", forward)
    await ann.page.reload()
    await ann.open_room("Den")
    await ann.page.locator(BOX).press_sequentially("half a ")
    restored = True
    found = await ann.chat.server.users.find("ann")
    assert found is not None
    ann.chat.server.hub.session_ends.close_user_connections(found[0].id, CloseCode.RESTARTING)
    await expect(ann.page.locator(".room-banner-text")).to_contain_text(
        "in which Den does not exist"
    )
    await ann.page.keyboard.type("thought")
    await ann.page.keyboard.press("Enter")
    await expect(ann.rooms()).to_have_text(["Lobby", "Pub"])
    await expect(ann.page.locator(".room-banner-draft textarea")).to_have_value("half a ")
    assert await texts(bo, den) == []


async def test_an_archived_room_accepts_no_text_until_it_is_unarchived(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    await ann.page.locator(BOX).press_sequentially("not yet ")
    await bo.ask("PATCH", f"/api/rooms/{den}", {"archived": True})
    await expect(ann.page.locator(".room-banner-text")).to_contain_text("archived")
    await expect(ann.page.locator(BOX)).to_be_hidden()
    await bo.ask("PATCH", f"/api/rooms/{den}", {"archived": False})
    await expect(ann.page.locator(BOX)).to_have_value("not yet ")
    await expect(ann.page.locator(".room-banner")).to_be_hidden()


async def test_a_conversation_with_a_deleted_account_can_be_read_only(enter: EnterChat) -> None:
    ann, bo, cy = await window_and_two_users(enter)
    for user, text in ((bo, "goodbye"), (cy, "hi")):
        await user.ask("POST", "/api/direct/ann/messages", {"data": text})
    await ann.open_direct("bo")
    await ann.expect_last("goodbye")
    await ann.chat.server.administration.delete(None, "bo")
    await ann.say("too late")
    await expect(ann.page.locator(".room-banner-text")).to_have_text("This account is deleted.")
    last = ann.page.locator("chat-message").last
    await expect(last).to_contain_text("This account is deleted.")
    await expect(last).to_have_attribute("data-state", "failed")
    await expect(ann.page.locator(BOX)).to_be_hidden()
    assert (await ann.texts())[0] == "goodbye"
    await ann.open_direct("cy")
    await expect(ann.page.locator(BOX)).to_be_visible()
    await ann.reload_direct("bo")
    await expect(ann.page.locator(BOX)).to_be_hidden()


async def test_leaving_a_room_in_another_window_shows_a_banner_in_this_one(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    other = await ann.chat.logged_in("ann")
    await other.ask("DELETE", f"/api/rooms/{den}/members/ann")
    await expect(ann.page.locator(".room-banner-text")).to_have_text("You have left Den.")
    await expect(ann.page.locator(TITLE)).to_have_text("Den")


# Dialogs about one room while another one is opened -----------------------------------------------


async def test_settings_are_saved_for_the_room_of_the_dialog(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    made = await rooms(bo, "Alpha", "Beta")
    await ann.open_room("Beta")
    await ann.open_room("Alpha")
    await open_settings(ann)
    await ann.page.locator("#room-new-title").fill("Gamma")
    await ann.page.go_back()
    await expect(ann.page.locator(TITLE)).to_have_text("Beta")
    await ann.page.locator(".room-settings [type=submit]").click()
    await expect(ann.rooms()).to_have_text(["Lobby", "Beta", "Gamma"])
    assert (await room(bo, made["Alpha"]))["title"] == "Gamma"
    assert (await room(bo, made["Beta"]))["title"] == "Beta"


async def test_only_the_room_of_the_confirmation_is_left(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    await rooms(bo, "Alpha", "Beta")
    await ann.open_room("Beta")
    await ann.open_room("Alpha")
    await ann.page.locator(".topbar-room").click()
    await ann.page.locator(".room-leave").click()
    await expect(ann.page.locator("confirm-dialog h2")).to_have_text("Leave Alpha?")
    await ann.page.go_back()
    await expect(ann.page.locator(TITLE)).to_have_text("Beta")
    await ann.page.locator(".confirm-yes").click()
    await expect(ann.rooms()).to_have_text(["Lobby", "Beta"])
    await expect(ann.page.locator(TITLE)).to_have_text("Beta")


async def test_a_member_is_removed_from_the_room_of_the_confirmation(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    made = await rooms(bo, "Alpha", "Beta")
    await ann.open_room("Beta")
    await ann.open_room("Alpha")
    await ann.page.locator(".topbar-room").click()
    await ann.page.locator(".member", has_text="Cy").get_by_role("button").click()
    await ann.page.go_back()
    await expect(ann.page.locator(TITLE)).to_have_text("Beta")
    async with ann.page.expect_response("**/members/cy"):
        await ann.page.locator(".confirm-yes").click()
    members = f"/api/rooms/{made['Beta']}/members"
    await expect(ann.page.locator(".panel-count")).to_have_text("3")
    assert len((await bo.ask("GET", members)).json["members"]) == 3
    assert (
        len(
            (await bo.ask("GET", members.replace(str(made["Beta"]), str(made["Alpha"])))).json[
                "members"
            ]
        )
        == 2
    )


async def test_a_user_chosen_for_one_room_is_not_added_to_the_next(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    await ann.chat.user("dee")
    alpha = (await rooms(bo, "Alpha", "Beta"))["Alpha"]
    await ann.page.reload()
    await ann.wait_until_loaded()
    await ann.open_room("Beta")
    await ann.open_room("Alpha")
    await ann.page.locator(".topbar-room").click()
    await ann.page.locator(".room-add").click()
    await ann.page.locator("people-dialog [value=dee]").check()
    await ann.page.evaluate("history.back()")
    await expect(ann.page.locator("room-panel .panel-title")).to_have_text("Beta")
    requests: list[str] = []
    ann.page.on("request", lambda request: requests.append(request.url))
    await ann.choose_people("dee")
    assert next(url for url in requests if "/members" in url).endswith(f"/{alpha}/members")


async def test_settings_of_a_lost_room_change_no_other_room(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    await open_settings(ann)
    await ann.page.locator("#room-new-title").fill("Gamma")
    await bo.ask("DELETE", f"/api/rooms/{den}/members/ann")
    await expect(ann.rooms()).to_have_text(["Lobby"])
    await ann.page.locator(".room-settings [type=submit]").click()
    await expect(ann.page.locator("room-dialog .form-problem")).to_be_visible()
    assert (await room(bo, den))["title"] == "Den"
    assert (await room(bo, 1))["title"] == "Lobby"


async def test_saving_a_title_does_not_undo_the_topic_of_another_administrator(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    await open_settings(ann)
    await bo.ask("PATCH", f"/api/rooms/{den}", {"topic": "What bo wrote", "receipts": True})
    await expect(ann.page.locator(".topbar-details")).to_contain_text("What bo wrote")
    await ann.page.locator("#room-new-title").fill("Lair")
    await ann.page.locator(".room-settings [type=submit]").click()
    await expect(ann.page.locator(TITLE)).to_have_text("Lair")
    now = await room(bo, den)
    assert (now["title"], now["topic"], now["receipts"]) == ("Lair", "What bo wrote", True)


async def test_a_profile_sends_only_what_was_changed(enter: EnterChat) -> None:
    ann, *_ = await window_and_two_users(enter)
    other = await ann.chat.logged_in("ann")
    await ann.page.locator(".account-button").click()
    await ann.page.locator("[data-open=settings]").click()
    await other.ask("PATCH", "/api/me", {"display": "Anna"})
    await ann.page.locator("#settings-locale").select_option("zh_CN")
    await ann.page.locator(".settings-profile [type=submit]").click()
    await expect(ann.page.locator(".account-name")).to_have_text("Anna")
    await expect(ann.page.locator("html")).to_have_attribute("lang", "zh-Hans")


# Double clicks -----------------------------------------------------------------------------------


async def test_a_double_click_on_archive_archives_once(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    await open_settings(ann)
    await ann.page.locator(".room-archive").dblclick()
    await expect(ann.page.locator("confirm-dialog h2")).to_have_text("Archive Den?")
    assert not (await room(bo, den)).get("archived")
    await ann.page.locator(".confirm-yes").dblclick()
    await expect(ann.page.locator(".room-banner-text")).to_contain_text("archived")
    await expect(ann.page.locator(".row-archived:visible")).to_have_text("Archived")
    await expect(ann.page.locator("room-dialog dialog")).to_be_hidden()
    assert (await room(bo, den))["archived"] is True


async def test_a_double_click_revokes_one_invitation(enter: EnterChat) -> None:
    ann, *_ = await window_and_two_users(enter)
    for _ in range(3):
        await ann.chat.server.invitations.make(None)
    await ann.page.locator(".topbar-invite").click()
    rows = ann.page.locator(".invite-row")
    await expect(rows).to_have_count(3)
    copies = ann.page.get_by_role("button", name="Copy Invitation link")
    await expect(copies).to_have_count(3)
    await rows.first.locator(".invite-revoke").dblclick(delay=60)
    await expect(ann.page.locator("confirm-dialog h2")).to_have_text("Revoke this invitation?")
    await ann.page.locator(".confirm-yes").dblclick(delay=60)
    await expect(rows).to_have_count(2)
    assert len(await ann.chat.server.invitations.listed(None)) == 2


async def test_the_second_click_of_a_double_click_confirms_nothing(enter: EnterChat) -> None:
    """The button of the confirmation may appear under the pointer."""
    ann, bo, _ = await window_and_two_users(enter)
    await rooms(bo, "Den")
    await ann.open_room("Den")
    await ann.page.locator(".topbar-room").click()
    await ann.page.locator(".room-leave").click()
    await ann.page.locator(".confirm-yes").dispatch_event("click", {"detail": 2})
    await expect(ann.page.locator("confirm-dialog h2")).to_have_text("Leave Den?")
    await ann.page.locator(".confirm-no").click()
    await expect(ann.rooms()).to_have_text(["Lobby", "Den"])


async def test_a_held_enter_that_opened_a_room_sends_no_draft_there(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    await ann.page.locator(BOX).fill("not finished")
    await ann.open_lobby()
    await ann.page.keyboard.press("Control+k")
    await ann.page.keyboard.type("den")
    await ann.page.keyboard.down("Enter")
    await expect(ann.page.locator(TITLE)).to_have_text("Den")
    await expect(ann.page.locator(BOX)).to_be_focused()
    for _ in range(3):
        await ann.page.keyboard.down("Enter")  # without a release it is a repeat
    await ann.page.keyboard.up("Enter")
    await expect(ann.page.locator(BOX)).to_have_value("not finished")
    assert await texts(bo, den) == []


# Rows under the pointer --------------------------------------------------------------------------


async def test_a_click_in_the_list_selects_the_row_that_was_under_the_pointer(
    enter: EnterChat,
) -> None:
    ann, bo, cy = await window_and_two_users(enter)
    for user in (bo, cy):
        await user.ask("POST", "/api/direct/ann/messages", {"data": "hi"})
    rows = ann.page.locator("[data-section=direct] li")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_have_attribute("data-user", "cy")
    box = await rows.first.bounding_box()
    assert box
    await ann.page.mouse.move(box["x"] + 30, box["y"] + 5)
    await ann.page.mouse.move(box["x"] + 31, box["y"] + 10)
    await bo.ask("POST", "/api/direct/ann/messages", {"data": "me again"})
    await expect(ann.page.locator("[data-user=bo] .badge-number:visible")).to_have_text("2")
    await ann.chat.user("dee")
    await ann.page.mouse.down()
    await ann.page.mouse.up()
    await expect(ann.page.locator(TITLE)).to_have_text("Cy")
    await ann.page.mouse.move(700, 300)
    await expect(rows.first).to_have_attribute("data-user", "bo")


async def test_a_click_next_to_a_message_applies_to_the_message_that_was_there(
    enter: EnterChat,
) -> None:
    ann, bo, cy = await window_and_two_users(enter)
    for text in ("one", "two"):
        await bo.ask("POST", "/api/rooms/1/messages", {"data": text})
    await ann.expect_last("two")
    await ann.page.locator("chat-message").last.hover()
    box = await ann.page.locator("chat-message [data-action=remove]").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await ann.page.mouse.move(x - 1, y)
    await ann.page.mouse.move(x, y)
    for text in ("three", "four"):
        await bo.ask("POST", "/api/rooms/1/messages", {"data": text})
    await cy.ask("POST", "/api/direct/ann/messages", {"data": "hi"})
    await expect(ann.page.locator("[data-user=cy] .badge-number:visible")).to_have_text("1")
    await ann.page.mouse.down()
    await ann.page.mouse.up()
    await expect(ann.page.locator(".confirm-text")).to_have_text("two")
    await ann.page.locator(".confirm-no").click()
    await ann.expect_last("four")


# Late responses ----------------------------------------------------------------------------------


async def test_a_room_that_is_created_late_is_not_opened_while_typing(enter: EnterChat) -> None:
    ann, *_ = await window_and_two_users(enter)
    waiting = await hold_requests(ann.page, "**/api/rooms", "POST")
    await ann.begin_room()
    await ann.page.locator("#room-name").fill("slow")
    await ann.page.locator(".rooms-new [type=submit]").click()
    await ann.page.keyboard.press("Escape")
    await ann.page.locator(BOX).press_sequentially("for the ")
    [creation] = waiting
    await creation.continue_()
    await expect(ann.rooms()).to_have_text(["Lobby", "slow"])
    await ann.page.keyboard.type("lobby")
    await ann.page.keyboard.press("Enter")
    await expect(ann.page.locator(TITLE)).to_have_text("Lobby")
    await ann.expect_last("for the lobby")


async def test_a_rejected_edit_does_not_mix_with_the_draft(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    await ann.say("frist")
    await ann.expect_last("frist")
    await refuse_frames(ann.page, frame=10)
    box, first = ann.page.locator(BOX), ann.page.locator("chat-message").first
    await box.press("ArrowUp")
    await box.fill("first")
    await box.press("Enter")
    await expect(box).to_have_value("")
    await expect(first.locator(".message-problem")).to_have_text("Edit not saved. No.")
    await expect(first.locator(".message-text")).to_have_text("first")
    await box.press_sequentially("something else")
    await expect(ann.page.locator(".composer-strip")).to_be_hidden()
    await first.locator(".message-rewrite").click()
    await expect(box).to_have_value("first")  # the draft waits
    await box.press("Escape")
    await expect(box).to_have_value("something else")
    await expect(first.locator(".message-text")).to_have_text("frist")
    assert await ann.unsent() == 0
    assert await texts(bo, 1) == ["frist"]


async def test_a_new_password_is_shown_next_to_its_user(enter: EnterChat) -> None:
    ann, *_ = await window_and_two_users(enter)
    await ann.page.goto("/admin/people")
    waiting = await hold_requests(ann.page, "**/api/users/bo/password", "POST")
    await ann.page.locator("tr", has_text="@bo").get_by_role("button").click()
    await ann.page.locator(".user-reset").click()
    await ann.page.locator(".confirm-yes").click()
    await ann.page.keyboard.press("Escape")
    dialog = ann.page.locator("[data-name=user]")
    await dialog.locator(".dialog-close").click()
    await expect(dialog).to_be_visible()
    await waiting[0].continue_()
    await expect(dialog.locator(".admin-made")).to_be_visible()
    await expect(dialog.locator("h2")).to_have_text("Bo")
    await dialog.locator(".dialog-close").click()
    await expect(dialog).to_be_hidden()


async def test_back_to_the_url_without_a_room_shows_the_lobby(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    await rooms(bo, "Den")
    await ann.open_room("Den")
    await ann.page.go_back()
    await expect(ann.page.locator(TITLE)).to_have_text("Lobby")


# Rejections --------------------------------------------------------------------------------------


async def test_half_an_emoji_is_sent_as_a_replacement_and_blocks_nothing(
    enter: EnterChat,
) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    await ann.page.locator(BOX).evaluate(r"(box) => (box.value = 'a \ud83d b')")
    await ann.page.locator(BOX).press("Enter")
    await ann.expect_last("a � b")
    await ann.say("next")
    await ann.expect_last("next")
    assert await texts(bo, 1) == ["a � b", "next"]


async def test_a_rejected_message_can_be_edited_or_discarded(enter: EnterChat) -> None:
    ann, bo, _ = await window_and_two_users(enter)
    den = (await rooms(bo, "Den"))["Den"]
    await ann.open_room("Den")
    await refuse_frames(ann.page)
    await ann.say("one")
    await expect(ann.page.locator("[data-state=failed] .message-problem")).to_contain_text("No.")
    await ann.page.locator(BOX).fill("meanwhile")
    await ann.page.locator("[data-state=failed] .message-rewrite").click()
    await expect(ann.page.locator(BOX)).to_have_value("meanwhile\none")
    await expect(ann.page.locator("[data-state=failed]")).to_have_count(0)
    await ann.say("two")
    await ann.page.locator("[data-state=failed] .message-delete").click()
    await expect(ann.page.locator("[data-state=failed]")).to_have_count(0)
    assert await ann.unsent() == 0
    assert await texts(bo, den) == []


async def refuse_frames(page: Page, *, frame: int = 2) -> None:
    """Answer each frame of that type by an error without an id."""
    await page.evaluate(
        """(type) => {
          const { send } = WebSocket.prototype;
          WebSocket.prototype.send = function (data) {
            if (JSON.parse(data).type !== type) return send.call(this, data);
            const refusal = { type: 4, ok: false, code: "bad_request", data: "No." };
            setTimeout(() => this.onmessage({ data: JSON.stringify(refusal) }));
          };
        }""",
        frame,
    )


# Follow a link, or choose from a list, and return what the composer says in the same task.
FOLLOW = """(link) => {
  link.click();
  return document.querySelector("#composer-text").placeholder;
}"""
PRESS_ENTER = """(box) => {
  const options = { key: "Enter", bubbles: true, cancelable: true };
  box.dispatchEvent(new KeyboardEvent("keydown", options));
  return document.querySelector("#composer-text").placeholder;
}"""


@pytest.mark.parametrize("width", [390, 1280])
async def test_a_conversation_is_changed_before_the_next_key_is_handled(
    enter: EnterChat, width: int
) -> None:
    """Otherwise the first letters of the next message would reach the previous conversation."""
    ann, _ = await enter("ann", "Ann"), await enter("bo", "Bo")
    page, box = ann.page, ann.page.locator("#composer-text")
    await page.set_viewport_size({"width": width, "height": 800})
    await box.fill("for the lobby")
    await ann.expect_online("ann", "bo")
    await page.keyboard.press("Control+k")
    await page.locator("quick-switcher input").fill("Bo")
    await expect(page.locator("quick-switcher [role=option]")).to_have_count(1)
    assert await page.locator("quick-switcher input").evaluate(PRESS_ENTER) == "Message Bo"
    await expect(box).to_have_value("")
    await page.keyboard.press("Escape")
    lobby = page.locator("[data-section=rooms] a").first
    assert await lobby.evaluate(FOLLOW) == "Message #Lobby"
    await expect(box).to_have_value("for the lobby")
    await page.go_back()
    await expect(box).to_have_attribute("placeholder", "Message Bo")

"""Another user logs in with the same browser: windows of the first user do nothing for them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from playwright.async_api import Error as PageError
from playwright.async_api import Page, expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window
from tests.driver import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = "status of (401|409)|WebSocket"
DIALOG = "dialog.session-dialog"
DRAFTS = "Object.keys(localStorage).filter((name) => name.includes('draft:')).sort()"


async def log_in(window: Window, name: str) -> Page:
    """Log in in another tab of the same browser."""
    tab = await window.page.context.new_page()
    await tab.goto("/login?switch")
    await tab.locator("#username").fill(name)
    await tab.locator("#password").fill(PASSWORD)
    await tab.locator("[type=submit]").click()
    await tab.wait_for_url("**/index")
    await expect(tab.locator("message-list")).to_have_attribute("data-state", "loaded")
    return tab


async def expect_stopped(window: Window, name: str) -> None:
    """Require a dialog with the user of the present session, which Escape does not close."""
    dialog = window.page.locator(DIALOG)
    await expect(dialog).to_be_visible()
    await expect(dialog.locator(".session-continue")).to_have_text(f"Continue as {name}")
    for key in ("Escape", "Escape", "Enter"):  # Enter must not press a button while the user types
        await window.page.keyboard.press(key)
    await expect(dialog).to_be_visible()


async def create_room(ann: Window) -> int:
    for text in ("one", "two"):
        await ann.say(text)
        await ann.expect_last(text)
    room = await ann.page.evaluate(
        """() => fetch("/api/rooms", {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ id: "r", name: "den", title: "Den", private: true }),
        }).then((answer) => answer.json()).then(({ room }) => room)"""
    )
    await ann.open_room("Den")
    await ann.say("among ourselves")
    await ann.expect_last("among ourselves")
    return int(room)


async def react(page: Page) -> None:
    await page.locator("chat-message").last.hover()
    await page.locator("chat-message [data-action=pick]").click()
    await page.locator(".emoji:visible").first.click()


async def edit(page: Page) -> None:
    await page.locator("#composer-text").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.type(" changed")
    await page.keyboard.press("Enter")


async def invite(page: Page) -> None:
    await page.locator(".topbar-invite").click()
    await page.locator(".invite-form [type=submit]").click()


async def change_name(page: Page) -> None:
    await page.locator(".account-button").click()
    await page.locator("[data-open=settings]").click()
    await page.locator("#settings-display").fill("Eve")
    await page.locator(".settings-profile [type=submit]").click()


async def log_out(page: Page) -> None:
    await page.locator(".account-button").click()
    await page.locator(".menu-logout").click()


ACTS = [react, edit, invite, change_name, log_out]


@pytest.mark.parametrize("act", ACTS)
async def test_no_action_of_a_window_is_performed_as_another_user(
    enter: EnterChat, act: Callable[[Page], Awaitable[None]]
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    await create_room(ann)
    ann.allow_console_errors(REFUSED)
    tab = await log_in(ann, "bo")
    await ann.page.bring_to_front()
    ann.page.set_default_timeout(3_000)
    with suppress(PageError):  # the page may notice before the act is complete
        await act(ann.page)
    await expect_stopped(ann, "Bo")
    assert (await bo.ask("GET", "/api/me")).json["user"]["display"] == "Bo"
    await tab.reload()
    await expect(tab.locator("message-list")).to_have_attribute("data-state", "loaded")
    assert "/index" in tab.url  # bo is still logged in
    ann_again = await ann.chat.logged_in("ann")
    events = (await ann_again.ask("GET", "/api/rooms/den/events?after=0")).json["events"]
    assert {event["user"] for event in events} == {"ann"}  # her socket may still carry it


async def test_after_a_lost_connection_nothing_is_sent_as_another_user_and_all_is_kept(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    ann.allow_console_errors(REFUSED + "|ERR_INTERNET")
    tab = await log_in(ann, "bo")
    await ann.page.bring_to_front()
    await ann.page.context.set_offline(True)
    await ann.wait_until_disconnected()
    await ann.say("only ann says this")
    await ann.page.locator("#composer-text").fill("half a thought")
    assert await ann.unsent() == 1
    await ann.page.context.set_offline(False)
    await expect_stopped(ann, "Bo")
    cy = await ann.chat.user("cy")
    events = (await cy.ask("GET", "/api/rooms/1/events?after=0")).json["events"]
    assert events == []
    assert await ann.unsent() == 1

    await ann.page.locator(".session-continue").click()
    await ann.wait_until_loaded()
    await expect(ann.page.locator(".account-user")).to_have_text("@bo")
    await expect(ann.page.locator("#composer-text")).to_have_value("")
    await expect(ann.page.locator("chat-message")).to_have_count(0)
    await tab.close()

    again = await log_in(ann, "ann")
    await expect(again.locator(".message-text")).to_have_text(["only ann says this"])
    await expect(again.locator("#composer-text")).to_have_value("half a thought")
    events = (await cy.ask("GET", "/api/rooms/1/events?after=0")).json["events"]
    assert [(event["user"], event["data"]) for event in events] == [("ann", "only ann says this")]


async def test_an_invitation_opened_in_another_tab_does_not_change_the_user_of_a_window(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.say("mine")
    await ann.expect_last("mine")
    ann.allow_console_errors(REFUSED)
    link = await ann.invite()
    tab = await ann.page.context.new_page()
    await tab.goto(link)
    await tab.locator("#username").fill("bo")
    await tab.locator("#display").fill("Bo")
    await tab.locator("#password").fill(PASSWORD)
    await tab.locator("[type=submit]").click()
    await tab.wait_for_url("**/index")
    await ann.page.bring_to_front()
    await react(ann.page)
    await expect_stopped(ann, "Bo")
    events = (await (await ann.chat.logged_in("bo")).ask("GET", "/api/rooms/1/events?after=0")).json
    assert {event["user"] for event in events["events"]} == {"ann"}
    await ann.page.locator(DIALOG).get_by_text("Log in as Ann").click()
    await expect(ann.page.locator("#username")).to_be_visible()


async def test_an_administration_page_stops_for_another_user(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo", admin=True)
    cy = await ann.chat.user("cy", display="Cy")
    await ann.page.goto("/admin/people")
    await expect(ann.page.locator("tbody tr")).to_have_count(3)
    ann.allow_console_errors(REFUSED)
    await log_in(ann, "bo")
    await ann.page.bring_to_front()
    await ann.page.locator("tr", has_text="@cy").locator("button").click()
    await ann.page.locator(".user-disable").click()
    await ann.page.locator(".confirm-yes").click()
    await expect_stopped(ann, "Bo")
    assert (await cy.ask("GET", "/api/me")).status == 200


async def test_a_connection_welcomed_as_another_user_is_closed(enter: EnterChat) -> None:
    """This happens with a server or proxy that ignores the field `user`."""
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    ann.allow_console_errors(REFUSED)
    await ann.page.route_web_socket("**/ws?*", lambda route: route.connect_to_server() and None)
    tab = await ann.page.context.new_page()
    await tab.goto("/login?switch")
    await ann.page.evaluate(
        """() => {
          const Socket = globalThis.WebSocket;
          globalThis.sent = [];
          globalThis.WebSocket = class extends Socket {
            constructor(url) { super(url.replace(/\\?.*/, "")); }
            send(data) { sent.push(data); super.send(data); }
          };
          Object.assign(globalThis.WebSocket, { OPEN: Socket.OPEN });
        }"""
    )
    await log_in(ann, "bo")
    await ann.page.bring_to_front()
    await ann.page.context.set_offline(True)
    await ann.wait_until_disconnected()
    await ann.say("only ann says this")
    await ann.page.context.set_offline(False)
    await expect_stopped(ann, "Bo")
    assert await ann.page.evaluate("sent") == []


async def test_a_page_restored_by_back_does_nothing_for_another_user(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    await ann.page.locator("#composer-text").fill("of ann")
    ann.allow_console_errors(REFUSED)
    await ann.page.goto("/login?switch")
    await ann.page.locator("#username").fill("bo")
    await ann.page.locator("#password").fill(PASSWORD)
    await ann.page.locator("[type=submit]").click()
    await ann.page.wait_for_url("**/index")
    await ann.wait_until_loaded()
    await ann.page.go_back()
    await expect(ann.page.locator(f".account-user:has-text('@bo'), {DIALOG}[open]")).to_be_visible()
    assert len(await ann.page.evaluate(DRAFTS)) == 1

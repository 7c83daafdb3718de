"""Links into the chat are kept by all pages before it, and explain what cannot be shown."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import EnterChat, OpenWindow
from tests.driver import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")

TITLE = ".topbar-title"
BANNER = ".room-banner .room-banner-text"
PAGE_MOVED = """() => ["html", "body", ".app", ".conversation", "nav-drawer"]
  .map((name) => document.querySelector(name))
  .filter((one) => one.scrollTop > 0 || one.scrollHeight > one.clientHeight)
  .map(({ localName }) => localName)"""


async def log_in(page: Page, name: str) -> None:
    await page.locator("#username").fill(name)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("[type=submit]").click()
    await page.wait_for_url("**/index**")


async def test_a_link_is_kept_by_a_login_and_by_the_end_of_a_session(
    enter: EnterChat, open_window: OpenWindow
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    made = await (await ann.chat.user("cy")).ask("POST", "/api/rooms", {"name": "plans"})
    room = made.json["room"]
    window = await open_window(ann.chat.url)
    for link in (f"/#/room/{room}/1", f"/index#/room/{room}/1", "/login#/with/bo"):
        await window.page.context.clear_cookies()
        await window.page.goto("about:blank")
        await window.page.goto(link)
        await log_in(window.page, "ann")
        await expect(window.page).to_have_url(f"{ann.chat.url}/index#{link.split('#')[1]}")
        await window.wait_until_loaded()
    await expect(window.page.locator(TITLE)).to_have_text("Bo")
    window.allow_console_errors("401|WebSocket")
    await window.page.evaluate("void fetch('/api/sessions', {method: 'DELETE'})")
    await window.expect_logged_out()
    await window.page.locator(".banner-login").click()
    await window.page.wait_for_url("**/login?over#/with/bo")
    await log_in(window.page, "ann")
    await expect(window.page.locator(TITLE)).to_have_text("Bo")
    await window.wait_until_loaded()

    await window.page.goto("/login#/with/bo")
    await expect(window.page).to_have_url(f"{ann.chat.url}/index#/with/bo")
    await window.wait_until_loaded()
    await window.page.goto("/login?switch&next=//evil.example#/room/1")
    await log_in(window.page, "ann")
    await expect(window.page).to_have_url(f"{ann.chat.url}/index#/room/1")
    await window.wait_until_loaded()
    await window.close()


async def test_links_explain_missing_rooms_and_messages(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    open_room = (await bo.ask("POST", "/api/rooms", {"name": "plans", "title": "Plans"})).json
    await bo.ask("POST", f"/api/rooms/{open_room['room']}/messages", {"data": "hello"})
    secret = (await bo.ask("POST", "/api/rooms", {"name": "den", "private": True})).json["room"]
    ann.allow_console_errors("404")
    page = ann.page
    for link, words in {
        f"#/room/{secret}": "Not found",
        "#/room/4711/3": "Not found",
        "#/rooms/1": "Not found",
        "#/with/nosuch": "Not found. There is no user @nosuch.",
        "#/with/a,bo": "Not found",
    }.items():
        await page.goto(f"/index{link}")
        await expect(page.locator(BANNER)).to_contain_text(words)
        await expect(page.locator("#composer-text")).to_be_hidden()
        await expect(page.locator("[data-section=direct] li")).to_have_count(0)
        await expect(page.locator(".room-banner-join")).to_be_hidden()
    await page.goto("/index#/with/BO/7")
    await expect(page).to_have_url(f"{ann.chat.url}/index#/with/bo/7")
    await expect(page.locator("[data-section=direct] li")).to_have_count(1)
    await expect(page.locator(TITLE)).to_have_text("Bo")

    await page.goto(f"/index#/room/{open_room['room']}/2")
    await expect(page.locator(BANNER)).to_have_text("You are not a member of Plans.")
    await page.locator(".room-banner-join").click()
    await expect(page.locator(".message-found .message-text")).to_have_text("hello")
    await page.evaluate("location.hash += '00'")
    await expect(page.locator(".toast")).to_contain_text("deleted or does not exist")


async def test_a_link_to_a_message_scrolls_nothing_but_the_messages(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await (await ann.chat.user("bo", display="Bo")).connect()
    for number in range(40):
        await ann.chat.user(f"user{number}")
        await bo.say(f"line {number}")
    page = ann.page
    await page.set_viewport_size({"width": 1280, "height": 500})
    for number in (38, 5):
        await page.goto("about:blank")
        await page.goto(f"/index#/room/1/{number}")
        await expect(page.locator(".message-found")).to_be_in_viewport()
        await expect(page.locator("[data-section=offline] li")).to_have_count(40)
        await page.locator(".message-found").press("ArrowUp")
        assert await page.evaluate(PAGE_MOVED) == []
    box = await page.locator(".message-found").bounding_box()
    assert box is not None
    assert 150 < box["y"] < 350  # in the middle of the list


async def test_an_invitation_offers_its_room_to_a_user_who_has_an_account(
    enter: EnterChat, open_window: OpenWindow
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo")
    created = {"name": "plans", "title": "Plans", "private": True}
    admin = ann.page.request
    room = (await (await admin.post("/api/rooms", data=created)).json())["room"]
    invite = await (await admin.post("/api/invites", data={"room": "plans", "uses": 1})).json()
    window = await open_window(ann.chat.url)
    await window.page.goto(invite["url"])
    await window.page.locator(".account-note a").click()
    await window.page.locator("#username").fill("bo")
    await window.page.locator("#password").fill(PASSWORD)
    await window.page.locator("[type=submit]").click()
    await window.page.wait_for_url("**/join/*")
    await window.page.locator("account-form:defined [type=submit]").click()
    await expect(window.page).to_have_url(f"{ann.chat.url}/index#/room/{room}")
    await expect(window.page.locator(TITLE)).to_have_text("Plans")
    await window.wait_until_loaded()
    await window.close()


async def test_an_invitation_into_a_room_opens_it_after_the_account_is_made(
    enter: EnterChat, open_window: OpenWindow
) -> None:
    ann = await enter("ann", "Ann")
    admin = ann.page.request
    room = (await (await admin.post("/api/rooms", data={"name": "plans"})).json())["room"]
    invite = await (await admin.post("/api/invites", data={"room": "plans", "uses": 1})).json()
    window = await open_window(ann.chat.url)
    await window.page.goto(invite["url"])
    await expect(window.page.locator("h1")).to_have_text("Join plans")
    await window.page.locator("#username").fill("cy")
    await window.page.locator("#password").fill(PASSWORD)
    await window.page.locator("account-form:defined [type=submit]").click()
    await expect(window.page).to_have_url(f"{ann.chat.url}/index#/room/{room}")
    await window.wait_until_loaded()
    await window.page.goto(invite["url"])
    await window.page.get_by_role("link", name="Open the room").click()
    await expect(window.page.locator(TITLE)).to_have_text("plans")
    await window.wait_until_loaded()
    await window.close()

"""New users: invitation links, login page, and lists of present users."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from chatserver.errors import CloseCode
from chatserver.storage.tables import users
from tests.browser.conftest import EnterChat, OpenWindow
from tests.driver import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_invitation_shows_its_uses_and_expiry(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.page.locator(".topbar-invite").click()
    await ann.page.locator(".invite-form [type=submit]").click()
    good_for = re.compile(r"^Valid for 50 people, until \d.*\.$")
    await expect(ann.page.locator(".invite-made .invite-details")).to_have_text(good_for)
    await ann.page.goto("/admin/invites")
    await ann.page.locator("[data-opens=invite]").click()
    await expect(ann.page.locator("dialog .invite-details")).to_have_text(good_for)


async def test_an_invitation_of_the_operator_has_no_name(
    enter: EnterChat, open_window: OpenWindow
) -> None:
    ann = await enter("ann", "Ann")
    invite = await ann.chat.server.invitations.make(None)
    for locale, words in (("en-GB", "You are invited."), ("zh-CN", "你受邀加入。")):
        window = await open_window(ann.chat.url, locale=locale)
        await window.page.goto(f"/join/{invite.code}")
        await expect(window.page.locator(".account-intro")).to_contain_text(words)
        await window.close()
    await ann.page.request.post("/api/rooms", data={"name": "plans", "title": "Plans"})
    await ann.page.request.post("/api/invites", data={"room": "plans", "uses": 1})
    await ann.page.locator(".topbar-invite").click()
    facts = ann.page.locator(".invite-row .invite-details")
    await expect(facts.last).to_contain_text("by the server's operator")
    for each, words in ((facts.first, "Plans · for 1 person"), (facts.last, "Lobby · for 50")):
        await expect(each).to_contain_text(words)
    dashes = ann.page.locator(".invite-local code").first
    await expect(dashes).to_have_css("white-space", "nowrap")


async def test_the_delay_after_failed_logins_is_shown_in_chinese(
    enter: EnterChat, open_window: OpenWindow
) -> None:
    ann = await enter("ann", "Ann")
    window = await open_window(ann.chat.url, locale="zh-CN")
    window.allow_console_errors("status of (401|429)")
    await window.page.goto("/login")
    await window.page.locator("#username").fill("ann")
    problem, button = window.page.locator(".form-problem"), window.page.locator("[type=submit]")
    for _ in range(10):
        await window.page.locator("#password").fill("a wrong one")
        async with window.page.expect_response("**/login") as answer:
            await button.click()
        await expect(button).to_be_enabled()
        if (await answer.value).status == 429:
            break
    await expect(problem).to_have_text(re.compile(r"。请在 \d+ 秒后重试。$"))


async def test_a_new_account_is_listed_without_a_reload(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    asked: list[str] = []
    ann.page.on("request", lambda request: asked.append(request.url))
    users = ann.page.locator(".sidebar li[data-user]")
    for name in ("bo", "cy"):
        await ann.chat.user(name)
    bo = await ann.chat.logged_in("bo")
    device = await bo.connect()
    await expect(users.and_(ann.page.locator("[data-user=cy]"))).to_be_visible()  # never online
    for number in range(20):
        await device.say(f"line {number}")
    await ann.expect_last("line 19")
    await ann.chat.server.administration.add_bot(None, "robot", "Robot", [])
    ann.allow_console_errors("WebSocket")
    found = await ann.chat.server.users.find("ann")
    assert found is not None
    ann.chat.server.hub.session_ends.close_user_connections(found[0].id, CloseCode.RESTARTING)
    await expect(users.and_(ann.page.locator("[data-user=robot]"))).to_be_visible()
    assert len([url for url in asked if "/api/users?" in url]) == 2


@pytest.mark.parametrize(
    ("locale", "words"), [("en-GB", "You have been logged out"), ("zh-CN", "你已退出登录")]
)
async def test_the_login_page_explains_why_it_is_shown(
    enter: EnterChat, locale: str, words: str
) -> None:
    ann = await enter("ann", "Ann")
    at_home, away = await ann.another(locale=locale), await ann.another(locale=locale)
    for window in (ann, at_home, away):
        window.allow_console_errors("WebSocket|status of 401")
    await away.page.goto("about:blank")
    await ann.chat.server.administration.reset_password(None, "ann")
    await at_home.expect_logged_out()
    await at_home.page.locator(".banner-login").click()
    await expect(at_home.page.locator(".account-intro")).to_contain_text(words)
    await away.page.goto(f"{ann.chat.url}/index")
    await expect(away.page.locator(".account-intro")).to_contain_text(words)


async def test_the_login_page_shows_no_notice_after_a_logout(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.log_out()
    await expect(ann.page.locator(".account-intro")).to_have_count(0)


async def test_back_does_not_lead_to_the_login_form_after_a_login(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.log_out()
    await ann.page.goto("about:blank")
    await ann.page.goto(f"{ann.chat.url}/login")
    await ann.page.locator("#username").fill("ann")
    await ann.page.locator("#password").fill(PASSWORD)
    await ann.page.locator("[type=submit]").click()
    await ann.wait_until_loaded()
    await ann.page.go_back()
    assert ann.page.url == "about:blank"


async def test_an_account_among_very_many_is_found_by_a_prefix(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("zoe", display="Zoë")
    rows = [account(f"n{number:04}") for number in range(1_000)]
    await ann.chat.server.database.transaction(lambda c: c.execute(users.insert(), rows))
    await ann.page.reload()
    await ann.wait_until_loaded()
    asked: list[str] = []
    ann.page.on("request", lambda request: asked.append(request.url))
    box = ann.page.locator("#composer-text")
    await box.press_sequentially("hello @z")
    await expect(ann.page.locator("completion-list li")).to_have_text(["Zoë @zoe"])
    await box.press("Tab")
    await expect(box).to_have_value("hello @zoe ")
    await box.press_sequentially("and @n00")
    await expect(ann.page.locator("completion-list li")).to_have_count(6)
    found = [url for url in asked if "/api/users?" in url]
    assert [url.partition("q=")[2] for url in found] == ["z", "n", "n0", "n00"]


def account(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "name_key": name,
        "display": name,
        "password_hash": "!",
        "role": "member",
        "locale": "",
        "created_at": 1,
    }

"""The list of conversations and its dialogs: favorites, sections, filter, directory, profile."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_favorites_are_on_every_device_and_closed_sections_are_remembered(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    me = await ann.chat.logged_in("ann")
    for name in ("alpha", "beta"):
        await me.ask("POST", "/api/rooms", {"name": name})
    phone = await ann.another()
    page = ann.page
    await ann.open_room("beta")
    await page.locator(".topbar-favorite").click()
    for window in (ann, phone):
        favorites = window.page.locator("[data-section=favorites] .row-name")
        await expect(favorites).to_have_text(["beta"])
        await expect(window.rooms()).to_have_text(["Lobby", "alpha"])
    await page.locator("[data-section=favorites] .section-toggle").click()
    await expect(page.locator("[data-section=favorites] li")).to_have_count(1)  # it is open
    await ann.open_lobby()
    await page.mouse.move(800, 300)
    await expect(page.locator("[data-section=favorites] li")).to_have_count(0)
    await me.ask("POST", "/api/rooms/alpha/messages", {"data": "newest"})
    await page.locator("[data-section=rooms] .section-sort").click()
    await expect(ann.rooms()).to_have_text(["alpha", "Lobby"])
    await page.reload()
    await expect(ann.rooms()).to_have_text(["alpha", "Lobby"])
    toggle = page.locator("[data-section=favorites] .section-toggle")
    await expect(toggle).to_have_attribute("aria-expanded", "false")
    await toggle.press("Enter")
    await page.locator("[data-section=favorites] a").click()
    await page.locator(".topbar-favorite").click()
    await expect(phone.page.locator("[data-section=favorites]")).to_be_hidden()


async def test_users_are_found_by_pinyin_and_have_a_profile(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    for name, display in (("bo", "Bo"), ("n1", "李雷"), ("n2", "韩梅梅")):
        await ann.chat.user(name, display=display)
    await (await ann.chat.logged_in("ann")).ask(
        "POST", "/api/rooms", {"name": "plans", "users": ["n1"]}
    )
    page = ann.page
    await page.reload()
    await ann.wait_until_loaded()
    filtered = page.locator("conversation-list .row-name")
    await page.locator("list-filter input").fill("lilei")
    await expect(filtered).to_have_text(["李雷"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".topbar-title")).to_have_text("李雷")
    await expect(page.locator("list-filter input")).to_have_value("")

    await page.locator("[data-open=people]").click()
    people = page.locator("directory-dialog .row-name")
    await expect(people).to_have_text(["Ann (you)", "Bo", "李雷", "韩梅梅"])
    await page.keyboard.type("hmm")
    await expect(people).to_have_text(["韩梅梅"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".topbar-title")).to_have_text("韩梅梅")

    await ann.open_lobby()
    await ann.say("Ask @n1")
    await ann.expect_last("Ask @李雷")
    await page.locator("a.mention").click()
    card = page.locator("profile-card")
    await expect(card.locator(".profile-user")).to_have_text("@n1")
    await expect(card.locator(".profile-rooms a")).to_have_text(["Lobby", "plans"])
    await card.locator(".profile-mention").click()
    await expect(page.locator("#composer-text")).to_have_value("@n1 ")
    await page.locator("a.mention").click()
    await card.locator(".profile-rooms a", has_text="plans").click()
    await expect(page.locator(".topbar-title")).to_have_text("plans")


async def test_names_of_rooms_are_completed_and_are_links(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    bo = await ann.chat.logged_in("bo")
    for name, private in (("plans", False), ("secret", True)):
        room = {"name": name, "title": f"The {name}", "private": private}
        await bo.ask("POST", "/api/rooms", room)
    page = ann.page
    await page.locator("#composer-text").press_sequentially("See #pla")
    await expect(page.locator("#names .option-name")).to_have_text(["The plans"])
    await page.keyboard.press("Tab")
    await page.keyboard.type("`#plans` #secret")
    await page.keyboard.press("Enter")
    await ann.expect_last("See #The plans #plans #secret")
    links = page.locator(".room-link")
    await expect(links).to_have_count(1)
    await links.click()
    await page.locator(".room-banner-join").click()
    await expect(page.locator(".topbar-title")).to_have_text("The plans")
    await expect(ann.rooms()).to_have_text(["Lobby", "The plans"])

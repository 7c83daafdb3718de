"""Many rooms and users: unread rooms outside the view are counted, and a filter finds users."""

from typing import Any

import pytest
from playwright.async_api import FloatRect, Page, expect

from chatserver.storage.tables import users
from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_unread_conversations_out_of_view_are_counted_at_the_edge_of_the_list(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    cy = await ann.chat.user("cy", display="Cy")
    me = await ann.chat.logged_in("ann")
    for number in range(40):
        await me.ask("POST", "/api/rooms", {"name": f"room{number}"})
    for sender in (bo, cy):
        await (await sender.connect()).say("For you", to="ann")
    page, below, above = (
        ann.page,
        ann.page.locator(".unread-below"),
        ann.page.locator(".unread-above"),
    )
    body, rows = page.locator(".sidebar-body"), page.locator("[data-section=unread] li")
    await expect(rows).to_have_count(2)  # first in a long list
    await expect(rows.first).to_be_in_viewport(ratio=1)
    await expect(above).to_be_hidden()
    await body.evaluate("list => list.scrollTo(0, list.scrollHeight)")
    await expect(above).to_have_text("2 unread conversations above")
    await above.focus()
    await page.keyboard.press("Enter")
    await expect(above).to_be_hidden()
    row = page.locator("[data-section=unread] .row-unread").last
    await expect(row).to_be_in_viewport(ratio=1)
    await expect(row).to_be_focused()
    await page.set_viewport_size({"width": 1280, "height": 220})  # what is unread does not fit
    await body.evaluate("list => list.scrollTo(0, 0)")
    await expect(below).to_have_text("1 unread conversation below")
    await page.set_viewport_size({"width": 1280, "height": 720})
    await rows.first.click()
    await ann.expect_last("For you")
    await expect(rows.first.locator("a")).to_have_attribute("aria-current", "page")  # it stays
    await expect(rows.first.locator(".badge-unread")).to_be_hidden()
    await page.mouse.move(800, 300)
    await expect(rows).to_have_count(1)
    await expect(page.locator("[data-section=direct] [aria-current]")).to_have_count(1)


async def test_two_clicks_on_a_user_open_one_conversation_whose_row_comes_into_view(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    rows = [account(f"n{number:03}", f"User {number:03}") for number in range(60)]
    await ann.chat.server.database.transaction(lambda c: c.execute(users.insert(), rows))
    page = ann.page
    await page.reload()
    await ann.wait_until_loaded()
    row = page.locator("[data-section=offline] [data-user=n007] a")
    await row.scroll_into_view_if_needed()
    place = await row.bounding_box()
    assert place
    for _ in range(2):  # each with a click count of one, as two slow clicks have
        await page.mouse.click(place["x"] + 20, place["y"] + 10)
    await expect(page.locator("[data-section=direct] [data-user=n007] a")).to_be_attached()
    assert await under_pointer(page, place) == "n007"
    await page.mouse.click(place["x"] + 20, place["y"] + 10)  # after the list has grown
    await expect(page.locator(".topbar-title")).to_have_text("User 007")
    await page.mouse.move(800, 300)
    await expect(page.locator("[data-section=direct] [data-user=n007] a")).to_be_in_viewport()
    await page.locator(".sidebar-body").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("lobby")
    await page.keyboard.press("Enter")
    lobby = page.locator("[data-section=rooms] [aria-current]")
    await expect(lobby).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("count", [1, 60], ids=["without scrolling", "scrolled"])
async def test_a_row_stays_under_a_resting_pointer_when_users_come_and_go(
    enter: EnterChat, count: int
) -> None:
    ann = await enter("ann", "Ann")
    rows = [account(f"n{number:03}", f"User {number:03}") for number in range(count)]
    await ann.chat.server.database.transaction(lambda c: c.execute(users.insert(), rows))
    bo = await ann.chat.user("bo", display="Bo")
    page = ann.page
    await page.clock.install()
    await page.reload()
    await ann.wait_until_loaded()
    row = page.locator(f"[data-section=offline] [data-user=n{count - 1:03}]")
    await row.scroll_into_view_if_needed()
    place = await row.bounding_box()
    assert place
    await page.mouse.move(place["x"] + 20, place["y"] + 10)
    await page.clock.fast_forward(6_000)  # the pointer rests
    online = page.locator("[data-section=online] [data-user=bo]")
    client = await bo.connect()
    await expect(online).to_be_attached()
    assert await under_pointer(page, place) == await row.get_attribute("data-user")
    await client.close()
    await expect(online).to_have_count(0)
    assert await under_pointer(page, place) == await row.get_attribute("data-user")


async def test_among_many_users_a_filter_finds_the_members_of_a_room(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    rows = [account(f"n{number:03}", f"User {199 - number:03}") for number in range(200)]
    await ann.chat.server.database.transaction(lambda c: c.execute(users.insert(), rows))
    page = ann.page
    await page.reload()
    await ann.wait_until_loaded()
    await expect(page.locator("[data-section=offline]")).to_be_hidden()  # they are too many
    await ann.begin_room()
    picker = page.locator("new-room-dialog people-picker")
    choices, filters = picker.locator(".check:visible"), picker.locator(".user-filter")
    await expect(choices).to_have_count(200)
    await expect(choices.first).to_contain_text("User 000 @n199")
    await filters.fill("@N198")
    await choices.get_by_text("User 001").click()
    await filters.fill("user 002")
    await expect(choices.locator(".choice-name")).to_have_text(["User 001", "User 002"])
    await filters.press("Enter")
    await expect(filters).to_have_value("")
    await expect(choices).to_have_count(200)
    await expect(picker.locator(".users-selected")).to_have_text("2 selected: User 001, User 002")
    await filters.fill("nosuch")
    await expect(picker.locator(".users-none")).to_be_visible()
    await page.locator("#room-name").fill("plans")
    await filters.press("Enter")
    await expect(page.locator("new-room-dialog dialog")).to_be_visible()
    await page.locator(".rooms-new [type=submit]").click()
    await expect(page.locator(".topbar-title")).to_have_text("plans")

    await page.locator(".topbar-room").click()
    await expect(page.locator(".members li")).to_have_count(3)
    await page.locator(".room-add").click()
    await expect(page.locator("people-dialog .check")).to_have_count(198)
    await page.locator("people-dialog .user-filter").fill("user 003")
    await ann.choose_people("n196")
    await expect(page.locator(".members li")).to_have_count(4)


async def under_pointer(page: Page, place: FloatRect) -> str:
    """Return the user whose row is where `place` was."""
    element = "document.elementFromPoint(x + 20, y + 10).closest('li').dataset.user"
    found: str = await page.evaluate(f"({{x, y}}) => {element}", place)
    return found


def account(name: str, display: str) -> dict[str, Any]:
    return {
        "name": name,
        "name_key": name,
        "display": display,
        "password_hash": "!",
        "role": "member",
        "locale": "",
        "created_at": 1,
    }

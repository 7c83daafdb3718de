"""The back button on a phone closes the top layer, and only without one leaves the room."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
TITLE = ".topbar-title"
DRAWER = "nav-drawer[data-open=true]"
MENU = [".topbar-menu", ".account-button"]

# How each layer is opened, the layers from the outermost one, and how the top one is closed.
LAYERS = [
    ([".topbar-menu"], [DRAWER], ".drawer-close"),
    (MENU, [DRAWER, ".account-popover"], ".account-button"),
    ([*MENU, "[data-open=settings]"], [DRAWER, "settings-dialog dialog"], ".dialog-close"),
    ([*MENU, "[data-open=keys]"], [DRAWER, "keys-dialog dialog"], ".dialog-close"),
    ([".topbar-menu", ".section-add"], [DRAWER, "rooms-dialog dialog"], ".dialog-close"),
    ([".topbar-menu", ".find-people"], [DRAWER, "directory-dialog dialog"], ".dialog-close"),
    ([".message-author"], ["profile-card dialog"], ".dialog-close"),
    ([".topbar-search"], ["search-panel"], ".panel-close"),
    ([".topbar-room"], ["room-panel"], ".panel-close"),
    ([".topbar-room", ".room-leave"], ["room-panel", "confirm-dialog dialog"], ".confirm-no"),
    ([".topbar-invite"], ["invite-dialog dialog"], ".dialog-close"),
    ([".message-more", "[data-action=pick]"], [".emoji-picker"], None),
    ([".message-more", "[data-action=remove]"], ["confirm-dialog dialog"], ".confirm-no"),
]


async def phone_in_rooms(enter: EnterChat) -> Window:
    """Open Beta, then Alpha, which has a message, on ann's phone."""
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo")
    urls = []
    for title in ("Beta", "Alpha"):
        facts = {"name": title.lower(), "title": title, "users": ["ann"]}
        urls.append((await bo.ask("POST", "/api/rooms", facts)).json["room"])
    ada = await ann.chat.logged_in("ann")
    await ada.ask("POST", f"/api/rooms/{urls[1]}/messages", {"data": "hello"})
    phone = await ann.another(**PHONE)
    for room in urls:
        await phone.page.goto(f"/index#/room/{room}")
        await phone.wait_until_loaded()
    return phone


async def back(page: Page) -> None:
    await page.evaluate("history.back()")


async def open_layers(page: Page, ways: list[str], layers: list[str]) -> None:
    for way in ways:
        await page.locator(way).first.click()
    for layer in layers:
        await expect(page.locator(layer)).to_be_visible()
    await expect_guard(page, True)


async def expect_guard(page: Page, there: bool) -> None:
    await page.wait_for_function(f"() => Boolean(history.state?.guard) === {str(there).lower()}")


async def test_back_closes_one_layer_at_a_time_on_a_phone(enter: EnterChat) -> None:
    page = (await phone_in_rooms(enter)).page
    for ways, layers, closer in LAYERS:
        await open_layers(page, ways, layers)
        for number in reversed(range(len(layers))):
            await back(page)
            await expect(page.locator(layers[number])).to_be_hidden()
            for outer in layers[:number]:
                await expect(page.locator(outer)).to_be_visible()
            await expect_guard(page, number > 0)
        await expect(page.locator(TITLE)).to_have_text("Alpha")
        if closer and len(layers) == 1:
            await open_layers(page, ways, layers)
            await page.locator(f"{layers[0]} {closer}").click()
            await expect_guard(page, False)
    await page.locator("#composer-text").press_sequentially("@b")
    await expect(page.locator("completion-list li")).to_be_visible()
    await expect_guard(page, True)
    await back(page)
    await expect(page.locator("completion-list li")).to_be_hidden()
    await expect(page.locator("#composer-text")).to_have_value("@b")
    await expect_guard(page, False)
    await back(page)
    await expect(page.locator(TITLE)).to_have_text("Beta")


async def test_back_closes_a_popover_that_has_not_reported_its_opening(enter: EnterChat) -> None:
    page = (await phone_in_rooms(enter)).page
    await page.evaluate(
        "addEventListener('toggle', (event) => event.stopImmediatePropagation(), { capture: true })"
    )
    await open_layers(page, MENU, [DRAWER, ".account-popover"])
    await back(page)
    await expect(page.locator(".account-popover")).to_be_hidden()
    await expect(page.locator(DRAWER)).to_be_visible()


async def test_layers_leave_no_history_entry(enter: EnterChat) -> None:
    phone = await phone_in_rooms(enter)
    page, title = phone.page, phone.page.locator(TITLE)
    await open_layers(page, [".topbar-search"], ["search-panel"])
    await page.reload()
    await phone.wait_until_loaded()
    await expect_guard(page, False)
    await page.evaluate("history.forward()")  # to the guard, where nothing is open any more
    await expect_guard(page, False)

    await open_layers(page, [".topbar-menu"], [DRAWER])
    await page.locator("[data-section=rooms] a").first.click()
    await expect(title).to_have_text("Lobby")
    await expect(page.locator(DRAWER)).to_be_hidden()
    await expect_guard(page, False)
    await back(page)
    await expect(title).to_have_text("Alpha")

    await open_layers(
        page, [".topbar-room", ".room-leave"], ["room-panel", "confirm-dialog dialog"]
    )
    await page.locator(".confirm-yes").click()
    await expect(title).to_have_text("Lobby")
    await expect_guard(page, False)
    await back(page)
    await expect(title).to_have_text("Beta")

    await open_layers(page, MENU, [DRAWER, ".account-popover"])
    await page.locator(".account-popover a").click()  # to the pages of administration
    await page.wait_for_url("**/admin**")
    await page.locator("[data-started], admin-users").first.wait_for()
    await page.go_back()
    await phone.wait_until_loaded()
    await expect(title).to_have_text("Beta")
    await expect_guard(page, False)


async def test_back_asks_before_it_closes_a_dialog_with_text(enter: EnterChat) -> None:
    page = (await phone_in_rooms(enter)).page
    dialog = page.locator("new-room-dialog dialog")
    question = page.locator("confirm-dialog dialog")
    ways = [".topbar-menu", ".section-add", "[data-open=new-room]"]
    await open_layers(page, ways, [DRAWER, "new-room-dialog dialog"])
    await page.locator("#room-name").fill("plans")
    await back(page)
    await expect(question).to_be_visible()
    await expect_guard(page, True)
    await back(page)
    await expect(question).to_be_hidden()
    await expect(page.locator("#room-name")).to_have_value("plans")
    await expect_guard(page, True)
    await back(page)
    await question.locator(".confirm-yes").click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator(TITLE)).to_have_text("Alpha")


async def visible_top(page: Page) -> int:
    """Return the seq of the first message in view."""
    return int(
        await page.locator(".messages-scroll").evaluate(
            """(list) => [...list.querySelectorAll("chat-message[data-seq]")].find(
              (row) => row.getBoundingClientRect().bottom > list.getBoundingClientRect().top
            ).dataset.seq"""
        )
    )


async def test_back_returns_to_the_position_before_a_quote_and_to_the_search_results(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    ada = await ann.chat.logged_in("ann")
    for number in range(40):
        await ada.ask("POST", "/api/rooms/1/messages", {"data": f"needle {number}"})
    answer = {"data": "about that", "reply_to": 3}
    await ada.ask("POST", "/api/rooms/1/messages", answer)
    phone = await ann.another(**PHONE)
    page, quote = phone.page, phone.page.locator(".message-quote:visible")
    await page.locator(".messages-scroll").evaluate("(list) => list.scrollBy(0, -300)")
    left = await visible_top(page)
    await page.evaluate("document.querySelector('.message-quote:not([hidden])').click()")
    await expect(page.locator("[data-seq='3'].message-found")).to_be_in_viewport()
    await back(page)
    await page.wait_for_function("() => !location.hash")
    await expect(page.locator("[data-seq='3']")).not_to_be_in_viewport()
    assert await visible_top(page) == left
    await page.locator("message-list .messages-jump").click()
    await quote.click()
    await expect(page.locator("[data-seq='3'].message-found")).to_be_in_viewport()
    await back(page)
    await expect(page.locator(".messages-jump")).to_be_hidden()

    await open_layers(page, [".topbar-search"], ["search-panel"])
    await page.locator("search-panel [type=search]").fill("needle")
    hit = page.locator(".hit").nth(20)
    await hit.scroll_into_view_if_needed()
    body = page.locator("search-panel .panel-body")
    scrolled = await body.evaluate("(body) => body.scrollTop")
    await hit.click()
    await expect(page.locator("search-panel")).to_be_hidden()
    await expect(page.locator("[data-seq='20'].message-found")).to_be_in_viewport()
    await back(page)
    await expect(hit).to_be_focused()
    assert await body.evaluate("(body) => body.scrollTop") == scrolled > 0
    await back(page)
    await expect(page.locator("search-panel")).to_be_hidden()
    await expect(page.locator(".messages-jump")).to_be_hidden()

    await page.goto("/index#/room/1/4711")
    await expect(page.locator("toast-line")).to_contain_text("This message was deleted")
    await expect(page.locator(".messages-jump")).to_be_hidden()
    await page.goto("/index#/with/ann")
    await expect(page.locator("toast-line")).to_be_empty()

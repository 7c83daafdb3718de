"""The pictures of a room: which are loaded, and the viewer, which goes through all of them."""

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.browser.conftest import EnterChat
from tests.browser.test_files import picture
from tests.browser.window import Window
from tests.driver import User
from tests.web.test_files import sent, upload

pytestmark = pytest.mark.asyncio(loop_scope="session")

TALL = picture(300, 400, "teal")
IN_VIEW = """() => {
  const { top, bottom } = document.querySelector(".messages-scroll").getBoundingClientRect();
  const pictures = [...document.querySelectorAll(".picture")];
  const boxes = pictures.map((one) => one.getBoundingClientRect());
  return boxes.filter((box) => box.bottom > top && box.top < bottom).length;
}"""
NEAR = 8  # pictures that browsers load before they are scrolled into view


async def send_pictures(user: User, first: int, last: int) -> list[int]:
    """Send a picture in each message; return their seqs."""
    seqs = []
    for number in range(first, last + 1):
        file = await upload(user, TALL, f"{number}.jpg", alt=f"hill {number}")
        seqs.append(await sent(user, file["id"]))
    return seqs


def record_pictures(page: Page) -> list[str]:
    """Return a list of the pictures that the page requests from now on."""
    requested: list[str] = []

    def note(request: Request) -> None:
        if "/thumb?" in request.url:
            requested.append(request.url)

    page.on("request", note)
    return requested


async def open_files(window: Window) -> None:
    await window.page.locator("[data-panel=room]").first.click()
    await window.page.get_by_role("button", name="Files", exact=True).click()


async def test_the_viewer_reaches_all_pictures_of_a_room_and_the_page_loads_those_in_view(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo")
    seqs = await send_pictures(bo, 1, 3)
    for number in range(30):
        await sent(bo, text=f"line {number}")
    await send_pictures(bo, 4, 33)
    await ann.page.goto("about:blank")
    requested = record_pictures(ann.page)
    await ann.page.goto("/index")
    await ann.wait_until_loaded()
    await expect(ann.page.get_by_role("img", name="hill 33")).to_be_in_viewport()
    await ann.page.wait_for_load_state("networkidle")
    assert len(requested) <= await ann.page.evaluate(IN_VIEW) + NEAR
    title, previous = ann.page.locator(".viewer-title"), ann.page.locator(".viewer-previous")
    await ann.page.locator(".picture").last.click()
    await expect(title).to_have_text("hill 33 33 of 33 · 2 kB")
    for _ in range(32):
        await ann.page.keyboard.press("ArrowLeft")
    await expect(title).to_contain_text("hill 1 1 of 33")
    await expect(previous).to_be_hidden()
    await ann.page.keyboard.press("Escape")

    await ann.page.goto(f"/index#/room/1/{seqs[1]}")  # older messages are shown
    await ann.page.get_by_role("img", name="hill 2", exact=True).click()
    await expect(title).to_contain_text("hill 2 2 of 33")
    for _ in range(31):
        await ann.page.keyboard.press("ArrowRight")
    await expect(title).to_contain_text("hill 33 33 of 33")
    await bo.ask("DELETE", f"/api/rooms/lobby/messages/{seqs[0]}")
    await expect(title).to_contain_text("hill 33 32 of 32")
    await ann.page.keyboard.press("Escape")


async def test_pictures_of_older_messages_are_found_by_description_and_loaded_in_pages(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo")
    await send_pictures(bo, 1, 9)
    for number in range(60):
        await sent(bo, text=f"line {number}")
    await ann.page.reload()  # the pictures are older than what is loaded now
    await ann.wait_until_loaded()

    async def page_of_two(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=100", "limit=2"))

    await ann.page.route("**/files?kind=image*", page_of_two)
    await open_files(ann)
    await ann.page.get_by_label("Name or description").fill("HILL 5")
    await expect(ann.page.locator(".file-row")).to_have_count(1)
    await ann.page.locator(".file-open").click()
    title = ann.page.locator(".viewer-title")
    await expect(title).to_have_text("hill 5 2 kB")  # how many there are is not known yet
    for number in (6, 7, 8, 9):
        await ann.page.locator(".viewer-next").click()
        await expect(title).to_contain_text(f"hill {number}")
    await expect(ann.page.locator(".viewer-next")).to_be_hidden()
    for number in range(8, 0, -1):
        await ann.page.locator(".viewer-previous").click()
        await expect(title).to_contain_text(f"hill {number}")
    await expect(title).to_contain_text("1 of 9")

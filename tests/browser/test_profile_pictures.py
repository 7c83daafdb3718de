"""Profile pictures and the logo: choosing, cropping, showing and removing them."""

import io

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


def halves() -> FilePayload:
    """Return a picture that is red on the left and blue on the right."""
    image = Image.new("RGB", (400, 200), "red")
    image.paste("blue", (200, 0, 400, 200))
    content = io.BytesIO()
    image.save(content, "PNG")
    return {"name": "halves.png", "mimeType": "image/png", "buffer": content.getvalue()}


async def begin_to_choose(page: Page) -> Locator:
    """Choose a file in the settings; return the part of the picture that can be moved."""
    await page.locator("account-menu .account-button").click()
    await page.locator("[data-open=settings]").click()
    await page.locator("settings-dialog [type=file]").set_input_files(halves())
    section = page.get_by_role("application", name="Crop area")
    await expect(section).to_be_focused()
    return section


async def colour(image: Locator) -> str:
    """Return which half a loaded picture shows."""
    red, _green, blue = await image.evaluate(
        """async (image) => {
            await image.decode();
            const context = document.createElement("canvas").getContext("2d");
            context.drawImage(image, 0, 0, 1, 1);
            return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }"""
    )
    return "red" if red > 200 > 60 > blue else "blue" if blue > 200 > 60 > red else "both"


async def test_a_picture_is_chosen_cropped_shown_to_others_and_removed(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await ann.say("good morning")
    message = bo.page.locator("chat-message").filter(has_text="good morning")
    box = await message.locator(".avatar").bounding_box()

    section = await begin_to_choose(ann.page)
    frame = await section.bounding_box()
    assert frame is not None
    middle = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    await ann.page.mouse.move(*middle)
    await ann.page.mouse.down()
    await ann.page.mouse.move(middle[0] - frame["width"], middle[1], steps=3)
    await ann.page.mouse.up()
    await ann.page.locator(".cropper-save").click()
    own = ann.page.locator("settings-dialog profile-picture img")
    assert await colour(own) == "blue"
    places = [
        message.locator(".avatar img"),
        bo.page.locator("[data-section=online] [data-user=ann] .avatar img"),
    ]
    for place in places:
        assert await colour(place) == "blue"
        await expect(place).to_have_attribute("alt", "")
    assert await message.locator(".avatar").bounding_box() == box
    await expect(message.locator(".avatar-letter")).to_be_hidden()

    await ann.page.keyboard.press("Escape")
    first = str(await places[0].get_attribute("src"))
    section = await begin_to_choose(ann.page)
    for _ in range(30):
        await section.press("ArrowLeft")
    await section.press("+")
    await expect(ann.page.locator("#cropper-zoom")).not_to_have_value("0")
    await ann.page.locator(".cropper-save").click()
    await expect(ann.page.locator("profile-picture [role=status]")).to_have_text(
        "The picture was saved."
    )
    assert await colour(own.last) == "red"
    await expect(places[0]).to_have_count(1)  # the former one is removed when the other is loaded
    await expect(places[0]).not_to_have_attribute("src", first)
    assert await colour(places[0]) == "red"

    bo.allow_console_errors("404|Not Found")
    await bo.page.route("**/pictures/*", lambda route: route.fulfill(status=404))
    await bo.page.reload()
    await bo.wait_until_loaded()
    await expect(message.locator(".avatar-letter")).to_be_visible()
    await expect(places[0]).to_have_count(0)
    await bo.page.unroute("**/pictures/*")

    await ann.page.get_by_role("button", name="Remove the picture").click()
    await expect(own).to_have_count(0)
    await expect(ann.page.locator("settings-dialog .picture-choose")).to_be_focused()
    await bo.page.reload()
    await bo.wait_until_loaded()
    await expect(message.locator(".avatar-letter")).to_have_text("A")


async def test_the_login_page_and_the_chat_show_the_name_and_the_logo_of_the_server(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    page = ann.page
    await page.goto("/admin/server")
    await page.get_by_label("Server name").fill("School of Music")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".brand")).to_have_text("School of Music")
    await page.locator("[type=file]").set_input_files(halves())
    await page.locator(".cropper-save").click()
    assert await colour(page.locator(".brand img[src*=logo]")) == "both"
    assert await colour(page.locator("profile-picture img")) == "both"
    await expect(bo.page).to_have_title("Lobby · School of Music")  # without a reload
    brand = bo.page.locator(".sidebar .brand")
    await expect(brand).to_have_text("School of Music")
    await expect(brand.locator("img[src*=logo]")).to_be_visible()
    assert await colour(brand.locator("img")) == "both"
    for forced in ("none", "active"):  # a dark logo is visible in the dark
        await bo.page.emulate_media(color_scheme="dark", forced_colors=forced)
        plate = await brand.locator("img").evaluate("one => getComputedStyle(one).backgroundColor")
        assert plate == "oklch(0.74 0 0)"
    await bo.page.context.clear_cookies()
    await bo.page.goto("/login")
    await expect(bo.page).to_have_title("Log in · School of Music")
    assert await colour(bo.page.locator(".brand img")) == "both"
    await page.get_by_role("button", name="Remove the picture").click()
    await expect(page.locator(".brand img[src*=logo]")).to_have_count(0)

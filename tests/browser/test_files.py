"""Files of messages: sending, showing, the viewer, the files of a room."""

import asyncio
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="session")


def picture(width: int, height: int, colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(content, "JPEG")
    return content.getvalue()


async def choose(page: Page, *files: tuple[str, str, bytes]) -> None:
    payload = [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    await page.locator(".composer-files").set_input_files(payload)  # type: ignore[arg-type]
    await expect(page.locator(".attachment").last).to_contain_text(files[-1][0])


async def test_pictures_and_files_are_sent_shown_and_gone_after_the_deletion(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await bo.page.route("**/thumb?w=*", hold)
    await choose(
        ann.page,
        ("lake.jpg", "image/jpeg", picture(900, 600, "teal")),
        ("hill.jpg", "image/jpeg", picture(600, 900, "olive")),
        ("plan.pdf", "application/pdf", b"%PDF-1.7 plan"),
    )
    await ann.page.locator(".attachment-alt").first.fill("a lake at dawn")
    await ann.page.get_by_role("button", name="Remove hill.jpg").click()
    await ann.page.locator("#composer-text").fill("look")
    await ann.page.locator(".composer-send").click()
    for window in (ann, bo):
        await expect(window.page.locator(".file-card")).to_contain_text("plan.pdf")
        await expect(window.page.get_by_role("img", name="a lake at dawn")).to_be_visible()
    image = bo.page.get_by_role("img", name="a lake at dawn")
    box = await image.bounding_box()
    await expect(bo.page.locator(".picture canvas")).to_be_visible()
    for route in held:
        await route.continue_()
    await expect(bo.page.locator(".picture canvas")).to_have_count(0)  # it is loaded
    assert box == await image.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == 1.5
    async with bo.page.expect_download() as download:
        await bo.page.locator(".file-download").click()
    assert Path(await (await download.value).path()).read_bytes() == b"%PDF-1.7 plan"
    await ann.page.locator("chat-message").last.hover()
    await ann.page.locator("[data-action=remove]").click()
    await expect(ann.page.locator("confirm-dialog dialog")).to_contain_text("look · 2 files")
    await ann.page.locator(
        "confirm-dialog .button-danger, confirm-dialog [value=yes]"
    ).first.click()
    for window in (ann, bo):
        await expect(window.page.locator(".message-deleted")).to_be_visible()
        await expect(window.page.locator(".message-files > *")).to_have_count(0)


async def test_a_raw_photo_is_marked_before_it_is_sent(enter: EnterChat) -> None:
    page = (await enter("ann", "Ann")).page
    photo = picture(90, 60, "teal")
    await choose(page, ("lake.jpg", "image/jpeg", photo), ("hill.DNG", "image/x-adobe-dng", photo))
    notes = page.locator(".attachment-note:visible")
    await expect(notes).to_have_text(["This file keeps its metadata, such as the location."])
    await expect(page.locator(".attachment").filter(has=notes)).to_contain_text("hill.DNG")
    await expect(page.locator("live-announcer")).to_contain_text("hill.DNG: This file keeps")
    await page.get_by_role("button", name="Remove").first.click()
    await page.get_by_role("button", name="Remove").first.click()


async def test_text_files_are_previewed_read_in_parts_found_and_deleted(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    log = "".join(f"{number:>6} <b>took</b> {number} ms\n" for number in range(4_000)).encode()
    ranges: list[str] = []
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        ranges.append(route.request.headers["range"])
        await released.wait()
        await route.continue_()

    await bo.page.route("**/files/*/*.log", hold)
    await choose(
        ann.page,
        ("report.log", "text/plain", log),
        ("lake.jpg", "image/jpeg", picture(90, 60, "teal")),
    )
    await ann.page.locator(".composer-send").click()
    sample, viewer = bo.page.locator(".text-file"), bo.page.locator("dialog.text-viewer")
    await expect(sample).to_contain_text("report.log")
    box = await sample.bounding_box()
    released.set()
    await expect(sample).to_contain_text("1 <b>took</b> 1 ms")
    assert ranges == ["bytes=0-2047"]
    assert box == await sample.bounding_box()  # nothing has moved
    await bo.page.locator("chat-message").focus()
    for _ in range(9):
        await bo.page.keyboard.press("Tab")
        if await bo.page.locator(".text-more:focus").count():
            break
    await bo.page.keyboard.press("Enter")
    await expect(viewer.locator("pre")).to_be_focused()
    await expect(viewer).not_to_contain_text("3999 ms")
    await viewer.get_by_role("button", name="Show more").click()
    await expect(viewer).to_contain_text("3999 ms")
    await expect(viewer.get_by_role("button", name="Show more")).to_be_hidden()
    assert await viewer.locator("pre").text_content() == log.decode()
    await bo.page.keyboard.press("Escape")
    await expect(bo.page.locator(".text-more")).to_be_focused()
    await bo.page.keyboard.press("Control+Shift+f")
    await bo.page.locator("search-panel [type=search]").fill("has:image filename:rep")
    await expect(bo.page.locator(".hit-file")).to_have_text(["report.log", "lake.jpg"])
    await expect(bo.page.locator(".hit-file mark")).to_have_text(["rep"])
    found = await sample.get_attribute("data-file")
    await expect(bo.page.locator(".hit")).to_have_attribute("data-file", found or "")
    await search_until_read(bo.page, "3999")
    await expect(bo.page.locator(".hit-file")).to_have_text(["report.log", "lake.jpg"])
    await expect(bo.page.locator(".hit-quote")).to_contain_text("3998 <b>took</b> 3998 ms 3999 <b>")
    await expect(bo.page.locator(".hit-quote mark")).to_have_text(["3999", "3999"])
    await expect(bo.page.locator(".hit")).to_have_attribute("data-file", found or "")
    await bo.page.locator("[data-panel=room]").first.click()
    await bo.page.get_by_role("button", name="Files", exact=True).click()
    await expect(bo.page.locator(".file-row")).to_have_count(2)
    await delete_file(ann, "report.log")
    await expect(bo.page.locator(".file-row")).to_have_count(1)
    await expect(bo.page.locator(".text-file")).to_have_count(0)
    await expect(bo.page.locator(".file-removed")).to_have_text("File deleted by an administrator")


async def search_until_read(page: Page, query: str) -> None:
    """Search for the text of a file until the server has read it."""
    box = page.locator("search-panel [type=search]")
    async with asyncio.timeout(20):
        while not await page.locator(".hit-quote").count():
            await box.fill("")
            await box.press("Enter")
            async with page.expect_response("**/api/search?**"):
                await box.fill(query)
                await box.press("Enter")
            await asyncio.sleep(0.1)


async def delete_file(admin: Window, name: str) -> None:
    """Delete the file on the page of administration."""
    page = admin.page
    await page.goto("/admin/storage")
    await expect(page.locator(".storage-disk-text")).to_contain_text("2 files use")
    await expect(page.locator(".storage-users tr")).to_contain_text("@ann")
    await expect(page.locator(".storage-rooms tr")).to_contain_text("Lobby")
    row = page.locator("tr", has_text=name)
    await row.get_by_role("button").click()
    await page.locator("confirm-dialog .button-danger").click()
    await expect(row).to_have_count(0)
    await expect(page.locator(".storage-disk-text")).to_contain_text("1 file uses")


async def test_pictures_that_are_being_sent_stay_in_view_above_a_tall_composer(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    page, held = ann.page, asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/api/files?*", hold)
    await page.set_viewport_size({"width": 320, "height": 568})
    await ann.say("a message above")
    lake = ("lake.jpg", "image/jpeg", picture(900, 600, "teal"))
    await choose(page, lake, lake, lake)
    await page.locator(".composer-send").click()
    await expect(page.locator(".gallery .upload-progress:visible")).to_have_count(3)
    await choose(page, *[lake] * 10)
    await page.locator("#composer-text").fill("line\n" * 9)
    status = page.locator("chat-message").last.locator(".message-status")
    await expect(status).to_have_text(re.compile("Sending"))
    await expect(status).to_be_in_viewport(ratio=1)
    held.set()
    await expect(page.locator(".gallery a.picture")).to_have_count(3)


async def test_an_interrupted_upload_continues_after_a_reload_and_is_sent_once(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("ERR_FAILED|ERR_ABORTED|Failed to load")
    sent: list[int] = []
    content = bytes(range(256)) * 8_192  # 2 MiB

    async def interrupt(route: Route) -> None:
        if route.request.method != "PATCH":
            return await route.continue_()
        offset = int(route.request.headers["upload-offset"])
        sent.append(offset)
        if len(sent) > 1:
            return await route.continue_()
        headers = {**route.request.headers, "content-length": "1000000"}
        await route.fetch(post_data=content[offset : offset + 1_000_000], headers=headers)
        return await route.abort()

    await ann.page.route("**/api/uploads/*", interrupt)
    await choose(ann.page, ("big.bin", "application/octet-stream", content))
    await ann.page.locator(".composer-send").click()
    await expect(ann.page.locator("chat-message[data-state=sending] progress")).to_be_visible()
    while not sent:
        await asyncio.sleep(0)
    await ann.page.reload()
    await expect(ann.page.locator("chat-message[data-state=sent] .file-card")).to_contain_text(
        "2 MB"
    )
    await expect(ann.page.locator(".file-card")).to_have_count(1)
    assert sent == [0, 1_000_000]


async def test_the_viewer_goes_through_the_pictures_of_the_room_by_keyboard(
    enter: EnterChat,
) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    for name in ("one.jpg", "two.jpg"):
        await choose(bo.page, (name, "image/jpeg", picture(90, 60, "teal")))
        await bo.page.locator(".composer-send").click()
        await expect(bo.page.locator(".message:last-child > .message-files a")).to_be_visible()
    title, viewer = ann.page.locator(".viewer-title"), ann.page.locator("dialog.viewer")
    await ann.page.locator(".picture").first.focus()
    await ann.page.keyboard.press("Enter")
    await expect(title).to_contain_text("one.jpg 1 of 2")
    await ann.page.keyboard.press("ArrowRight")
    await expect(title).to_contain_text("two.jpg 2 of 2")
    await ann.page.keyboard.press("+")
    await expect(viewer).to_have_attribute("data-zoomed", "true")
    await ann.page.keyboard.press("-")
    await bo.page.locator("chat-message").last.hover()
    await bo.page.locator("[data-action=remove]").click()
    await bo.page.locator("confirm-dialog [value=yes], confirm-dialog .button-danger").first.click()
    await expect(title).to_contain_text("one.jpg")  # the other one was deleted
    await ann.page.keyboard.press("Escape")
    await expect(viewer).to_be_hidden()
    await expect(ann.page.locator(".picture").first).to_be_focused()


async def test_on_a_phone_a_file_of_a_tall_message_is_found_and_back_leads_to_the_list(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    page, held = ann.page, asyncio.Event()
    await page.set_viewport_size({"width": 390, "height": 700})
    texts = [(f"{number}.txt", "text/plain", b"a\nb\nc\n") for number in range(8)]
    await choose(page, *texts, ("lake.jpg", "image/jpeg", picture(900, 600, "teal")))
    await page.locator(".composer-send").click()
    await expect(page.locator(".text-more:visible")).to_have_count(0)  # they are short
    await page.locator("[data-panel=room]").first.click()
    await page.get_by_role("button", name="Files", exact=True).click()
    for name in ("7.txt", "0.txt"):
        row = page.locator(".file-open", has_text=name)
        await row.click()
        await expect(page.locator(".text-file", has_text=name)).to_be_in_viewport(ratio=0.9)
        await page.go_back()
        await expect(row).to_be_focused()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/thumb?w=1600", hold)
    await page.locator(".file-open", has_text="lake.jpg").click()
    await expect(page.locator(".viewer-stage")).to_have_attribute("aria-busy", "true")
    image = page.locator(".viewer-stage img")
    assert await image.evaluate("image => image.clientWidth") == 390  # with the thumbnail behind it
    assert "thumb?w=480" in await image.evaluate("image => image.style.background")
    held.set()
    await expect(page.locator(".viewer-stage")).to_have_attribute("aria-busy", "false")
    await page.locator(".viewer-message").click()
    await expect(page.locator("side-area")).to_be_hidden()
    await expect(page.locator(".picture")).to_be_in_viewport()


async def test_the_files_of_a_room_are_listed_by_kind_and_name_and_photos_are_scaled(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    page = ann.page
    for name, original in (("small.jpg", False), ("large.jpg", True)):
        await choose(page, (name, "image/jpeg", picture(3000, 1500, "teal")))
        box = page.get_by_label("Original size")
        await expect(box).to_be_visible()
        await box.set_checked(original)
        await page.locator(".composer-send").click()
        await expect(page.locator(".message:last-child > .message-files a")).to_be_visible()
    await choose(page, ("notes.txt", "text/plain", b"notes"))
    await page.locator(".composer-send").click()
    await page.locator(".topbar-room").click()
    await page.locator("room-panel").get_by_role("button", name="Files").click()
    names = page.locator("files-panel .file-name")
    await expect(names).to_have_text(["notes.txt", "large.jpg", "small.jpg"])
    await page.get_by_role("radio", name="Other").check()
    await expect(names).to_have_text(["notes.txt"])
    await page.get_by_role("radio", name="All").check()
    await page.get_by_label("Name or description").fill("LARGE")
    await expect(names).to_have_text(["large.jpg"])
    stored = await page.evaluate("fetch('/api/rooms/1/files').then((answer) => answer.json())")
    assert [file.get("width") for file in stored["files"]] == [None, 3000, 2560]
    await page.keyboard.press("Escape")
    await expect(page.locator("side-area")).to_be_hidden()
    await expect(page.locator(".topbar-room")).to_be_focused()

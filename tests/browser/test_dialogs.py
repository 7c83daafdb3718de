"""Dialogs: errors are in view, focused, and associated with their fields."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("size", [(390, 560), (1280, 500)])
async def test_a_rejected_name_is_shown_next_to_the_button_and_its_field_is_invalid(
    enter: EnterChat, size: tuple[int, int]
) -> None:
    ann = await enter("ann", "Ann")
    ann.allow_console_errors("409")
    bo = await ann.chat.user("bo", display="Bo")
    for number in range(12):
        await ann.chat.user(f"person{number}")
        await bo.ask("POST", "/api/rooms", {"name": f"room-{number}"})
    page = ann.page
    await page.reload()
    await ann.wait_until_loaded()
    await page.set_viewport_size({"width": size[0], "height": size[1]})
    if size[0] < 768:
        await page.locator(".topbar-menu").click()
    await ann.begin_room()
    dialog = page.locator("new-room-dialog dialog")
    send = dialog.locator("[type=submit]")
    for part in (dialog.locator(".dialog-close"), send):
        await expect(part).to_be_in_viewport(ratio=1)  # whatever is scrolled
    name = dialog.locator("#room-name")
    await name.fill("room-3")
    await send.click()
    problem = dialog.locator(".rooms-new .form-problem")
    await expect(problem).to_be_focused()
    await expect(problem).to_be_in_viewport(ratio=1)
    await expect(name).to_have_attribute("aria-invalid", "true")
    described = await name.get_attribute("aria-describedby")
    assert described
    assert await problem.get_attribute("id") in described.split()
    await page.keyboard.press("Escape")
    await page.locator("confirm-dialog .confirm-no").click()  # what was refused is not lost
    await name.fill("another")
    await expect(name).not_to_have_attribute("aria-invalid", "true")
    await expect(problem).to_be_hidden()
    await send.click()
    await expect(page.locator(".topbar-title")).to_have_text("another")
    await page.evaluate("document.querySelector('[data-open=new-room]').click()")
    await expect(name).not_to_have_attribute("aria-invalid", "true")
    await expect(name).to_have_attribute("aria-describedby", "room-name-hint")


async def test_unread_messages_of_an_archived_room_are_removed_from_the_title(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    room = (await bo.ask("POST", "/api/rooms", {"name": "plans", "users": ["ann"]})).json["room"]
    await bo.ask("POST", f"/api/rooms/{room}/messages", {"data": "hello"})
    await expect(ann.page).to_have_title("(1) Lobby · chatserver")
    await bo.ask("PATCH", f"/api/rooms/{room}", {"archived": True})
    await expect(ann.page).to_have_title("Lobby · chatserver")


async def test_saved_settings_are_confirmed(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    page, save = ann.page, ".settings-profile [type=submit]"
    for display in ("Ann", "Anna"):  # nothing to change; a name, for which the page is loaded again
        await page.locator(".account-button").click()
        await page.locator("[data-open=settings]").click()
        await page.locator("#settings-display").fill(display)
        await page.locator(save).click()
        await expect(page.locator("toast-line")).to_have_text("Saved")
        await expect(page.locator("settings-dialog dialog")).to_be_hidden()
        await expect(page.locator(".account-name")).to_have_text(display)
        await ann.wait_until_loaded()


async def test_a_phone_shows_one_banner_at_a_time(enter: EnterChat) -> None:
    page = (await enter("ann", "Ann")).page
    await page.set_viewport_size({"width": 390, "height": 700})
    await page.evaluate(
        "for (const it of document.querySelectorAll('.banner[role]')) it.dataset.state = 'waiting'"
    )
    for banner in ("connection-banner", "storage-banner", "update-banner"):
        await expect(page.locator("main > .banner:visible")).to_have_count(1)
        await expect(page.locator(banner)).to_be_visible()
        await page.evaluate(f"document.querySelector('{banner}').dataset.state = 'hidden'")


async def test_text_in_a_dialog_is_discarded_only_after_a_confirmation(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    await ann.chat.user("bo", display="Bo")
    page, discard = ann.page, ann.page.locator("confirm-dialog dialog")
    for name, field in {
        "new-room": "#room-name",
        "settings": "#settings-display",
        "invite": "#invite-uses",
    }.items():
        dialog, box = page.locator(f"{name}-dialog dialog"), page.locator(field)
        opener = f"document.querySelector('[data-open={name}]').click()"
        await page.evaluate(opener)
        untouched = await box.input_value()
        await page.mouse.click(5, 5)
        await expect(dialog).to_be_hidden()  # nothing was entered

        await page.evaluate(opener)
        await box.fill("12")
        place = await box.bounding_box()
        assert place is not None
        await page.mouse.move(place["x"] + 30, place["y"] + 10)
        await page.mouse.down()
        await page.mouse.move(5, place["y"] + 10)
        await page.mouse.up()  # a selection that ends beside the dialog
        await expect(discard).to_be_hidden()
        frame = await dialog.bounding_box()
        assert frame is not None
        await page.mouse.click(frame["x"] + 4, frame["y"] + 60)  # its own edge
        await expect(discard).to_be_hidden()

        for way in ("Escape", "beside", "cross"):
            await box.focus()
            if way == "Escape":
                await page.keyboard.press(way)
            elif way == "beside":
                await page.mouse.click(5, 5)
            else:
                await dialog.locator(".dialog-close").click()
            await expect(discard.locator("h2")).to_have_text("Discard your changes?")
            await page.keyboard.press("Escape")
            await expect(discard).to_be_hidden()
            await expect(box).to_have_value("12")
        await page.keyboard.press("Escape")
        await discard.locator(".confirm-yes").click()
        await expect(dialog).to_be_hidden()
        await page.evaluate(opener)
        await expect(box).to_have_value(untouched)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()


async def test_a_dialog_closes_without_a_question_after_its_form_was_used(
    enter: EnterChat,
) -> None:
    ann = await enter("ann", "Ann")
    page, dialog = ann.page, ann.page.locator("invite-dialog dialog")
    question = page.locator("confirm-dialog dialog")
    await page.locator(".topbar-invite").click()
    await page.locator("#invite-uses").fill("30")
    await page.locator("#invite-uses").press("Escape")
    await expect(question).to_be_visible()
    await page.locator(".confirm-no").click()
    await page.locator(".invite-form [type=submit]").click()
    await expect(page.locator(".invite-made")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(question).to_be_hidden()

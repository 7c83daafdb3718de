"""Users whose display names look alike are shown with their user names."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_ambiguous_display_names_are_shown_with_user_names(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    bo = await ann.chat.user("bo", display="Bo")
    cy = await ann.chat.user("cy", display="Во")  # in Cyrillic letters
    dan = await ann.chat.user("dan", display="Daniel")
    await ann.page.reload()
    await ann.wait_until_loaded()
    devices = [await one.connect() for one in (bo, cy, dan)]
    for device in devices:
        await device.say(f"this is {device.user.name}")
    authors = ann.page.locator("chat-message .message-author")
    await expect(authors).to_have_text(["Bo (@bo)", "Во (@cy)", "Daniel"])
    online = ann.page.locator("conversation-list")
    for label in ("Bo (@bo)", "Во (@cy)", "Daniel"):
        await expect(online.get_by_text(label, exact=True).first).to_be_visible()
    await devices[1].close()  # an open socket keeps the display name that it came with
    assert (await cy.ask("PATCH", "/api/me", {"display": "Cyril"})).status == 200
    await ann.page.reload()
    await ann.wait_until_loaded()
    await expect(authors).to_have_text(["Bo", "Cyril", "Daniel"])

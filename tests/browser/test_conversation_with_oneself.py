"""Notes: a conversation with oneself."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_user_can_write_to_themselves_and_has_nothing_unread(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    await ann.open_user("ann")
    await expect(ann.page.locator(".topbar-title")).to_have_text("Ann (you)")
    await expect(ann.page.locator(".messages-start h2:visible")).to_have_text(
        "This is the beginning of your notes"
    )
    await ann.say("买牛奶 🥛")
    await ann.expect_last("买牛奶 🥛")
    await ann.page.reload()
    await ann.expect_last("买牛奶 🥛")
    row = ann.page.locator("[data-section=direct] li[data-user=ann]")
    await expect(row.locator("a")).to_have_attribute("aria-current", "page")
    await expect(row.locator(".badge-unread")).to_be_hidden()

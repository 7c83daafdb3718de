"""What people type is text on the page, whatever it looks like."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "</div></template><script>alert(2)</script>",
    "<svg/onload=alert(3)><style>*{display:none}</style>",
    "javascript:alert(4) //https://x.example/\"onmouseover='alert(5)'",
    "<a href=javascript:alert(6)>{{ 7 * 7 }} ${alert(7)}</a> &lt;b&gt; &#60;",
]
NAME = '"><img src=x onerror=alert(8)>'
ADDED = (
    "img[src=x], chat-app script, chat-app style, [onerror], [onload], [onmouseover], a[href^=j]"
)


async def test_markup_in_names_and_messages_is_text(enter: EnterChat) -> None:
    ann, bo = await enter("ann", NAME), await enter("bo", NAME)
    for payload in PAYLOADS:
        await bo.say(payload)
        await ann.sees(payload)
    await ann.turn_to("bo")
    await expect(ann.page.locator(".topbar-title")).to_have_text(NAME)
    await expect(ann.page.locator("#composer-text")).to_have_attribute(
        "placeholder", f"Message {NAME}"
    )
    await ann.page.reload()
    await ann.turn_to_lobby()
    for window in (ann, bo):
        assert await window.texts() == PAYLOADS
        assert await window.page.locator(ADDED).count() == 0
        elements = window.page.locator(".message-text :not(a)")
        assert await elements.count() == 0
        names = await window.page.locator(".message-author").all_text_contents()
        assert set(names) == {NAME}


async def test_an_address_cannot_bring_markup_either(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    for fragment in ("#/with/%3Cimg%20src=x%3E", "#/room/1%22%3E", "#/with/%E0%A4%A", "#<b>"):
        await ann.page.goto(f"/index{fragment}")
        await ann.page.reload()
        await ann.is_loaded()
        assert await ann.page.locator(ADDED).count() == 0

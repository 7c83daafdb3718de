"""Markup typed by users is shown as text."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import EnterChat
from tests.browser.window import Window

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "</div></template><script>alert(2)</script>",
    "<svg/onload=alert(3)><style>*{display:none}</style>",
    "javascript:alert(4) //https://x.example/\"onmouseover='alert(5)'",
    "<a href=javascript:alert(6)>{{ 7 * 7 }} ${alert(7)}</a> &lt;b&gt; &#60;",
]
MARKED = """**bold** <img src=x onerror=alert(9)> [a](javascript:alert(10)) [b](https://x.example/)
> 引用 @cy
```
<script>alert(11)</script>
```
3. three"""
SHOWN = "bold <img src=x onerror=alert(9)> [a](javascript:alert(10)) b"
NAME = '"><img src=x onerror=alert(8)>'
ADDED = (
    "img[src=x], chat-app script, chat-app style, [onerror], [onload], [onmouseover], a[href^=j]"
)


async def test_markup_in_names_and_messages_is_text(enter: EnterChat) -> None:
    ann, bo = await enter("ann", NAME), await enter("bo", NAME)
    for payload in PAYLOADS:
        await bo.say(payload)
        await ann.expect_last(payload)
    await ann.open_user("bo")
    shown = f"{NAME} (@bo)"  # ann has the same display name
    await expect(ann.page.locator(".topbar-title")).to_have_text(shown)
    await expect(ann.page.locator("#composer-text")).to_have_attribute(
        "placeholder", f"Message {shown}"
    )
    await ann.page.reload()
    await ann.open_lobby()
    for window in (ann, bo):
        assert await window.texts() == PAYLOADS
        assert await window.page.locator(ADDED).count() == 0
        elements = window.page.locator(".message-text :not(a, p)")
        assert await elements.count() == 0
        names = await window.page.locator(".message-author").all_text_contents()
        assert set(names) == {shown}
    await bo.say(MARKED)
    for window in (ann, bo):  # the writer too, to whom the answer came first
        await expect_rendered_markup(window)
    await bo.page.keyboard.press("ArrowUp")
    await expect(bo.page.locator("#composer-text")).to_have_value(MARKED)


async def test_a_quote_shows_the_text_without_markup(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await bo.say("> Slow\n\nAdd an **index** on `at`")
    await expect(bo.page.locator("chat-message")).to_have_attribute("data-state", "sent")
    await bo.page.locator("chat-message").hover()
    await bo.press_action("answer")
    await bo.say("I mean now")
    for window in (ann, bo):
        quote = window.page.locator(".quote-text:visible")
        await expect(quote).to_have_text("Slow Add an index on at")


async def test_only_names_of_users_look_like_mentions(enter: EnterChat) -> None:
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    await ann.say("@zzzzzz @bo你好 **@all**")
    for window in (ann, bo):
        await window.expect_last("@zzzzzz @Bo你好 @all")
        mentions = window.page.locator("chat-message .mention")
        await expect(mentions).to_have_text(["@Bo", "@all"])


async def expect_rendered_markup(window: Window) -> None:
    text = window.page.locator(".message-text").last
    await expect(text.locator("strong")).to_have_text("bold")
    await expect(text.locator("p").first).to_have_text(SHOWN)
    await expect(text.locator("blockquote")).to_have_text("引用 @cy")
    await expect(text.locator("pre")).to_have_text("<script>alert(11)</script>")
    await expect(text.locator("ol[start='3'] > li")).to_have_text("three")
    await expect(text.locator("a")).to_have_attribute("href", "https://x.example/")
    await expect(text.locator("a")).to_have_attribute("rel", "noopener noreferrer")
    await expect(text.locator(".mention")).to_have_count(0)  # a quotation contains no mentions
    assert await window.page.locator(ADDED).count() == 0


async def test_markup_in_the_title_and_topic_of_a_room_is_text(enter: EnterChat) -> None:
    """Check all places: list, top bar, panel, search, public rooms."""
    ann, bo = await enter("ann", "Ann"), await enter("bo", "Bo")
    title, topic = PAYLOADS[0] + " title", PAYLOADS[2] + " topic"
    facts = {"name": "den", "title": title, "topic": topic}
    make = "facts => fetch('/api/rooms', {method: 'POST', body: JSON.stringify(facts)})"
    await ann.page.evaluate(f"async facts => {{ await ({make})(facts); }}", facts)
    await ann.open_room(title)
    await expect(ann.page.locator(".topbar-title")).to_have_text(title)
    await expect(ann.page.locator(".topbar-details")).to_have_text(topic)
    await ann.page.locator(".topbar-room").click()
    await bo.page.locator("[data-open=rooms]").click()
    await expect(bo.page.locator(".rooms-open .room-title")).to_have_text(title)
    for window in (ann, bo):
        assert await window.page.locator(ADDED).count() == 0


async def test_markup_in_the_url_is_text(enter: EnterChat) -> None:
    ann = await enter("ann", "Ann")
    for fragment in ("#/with/%3Cimg%20src=x%3E", "#/room/1%22%3E", "#/with/%E0%A4%A", "#<b>"):
        await ann.page.goto(f"/index{fragment}")
        await ann.page.reload()
        await ann.wait_until_loaded()
        assert await ann.page.locator(ADDED).count() == 0

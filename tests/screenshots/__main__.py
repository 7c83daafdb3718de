"""`make screenshots`: the pictures of the README, of a small group's chat."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, async_playwright, expect

from chatserver.config import Settings
from chatserver.web.session_cookies import COOKIE
from tests.conftest import FAST
from tests.driver import Chat
from tests.rig.chromium import CHROMIUM
from tests.screenshots.group import Group

FOLDER = Path("docs/screenshots")
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 960}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
OPTIONS = ["--no-sandbox", "--disable-gpu"]
LOADED = """() => {
  const isShown = (one) => one.getBoundingClientRect().bottom > 0;
  const images = [...document.querySelectorAll("chat-message img")].filter(isShown);
  return images.every(({ complete, naturalWidth }) => complete && naturalWidth > 0);
}"""


async def main() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o700)
    chat = await Chat.start(Settings(data=folder, limits=FAST))
    try:
        group = Group(chat)
        await group.gather()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            await shoot(chat, group, browser, "chat-light.png", "light", **DESK)
            await shoot(chat, group, browser, "chat-phone-dark.png", "dark", **PHONE)
            await browser.close()
    finally:
        await chat.stop()
        shutil.rmtree(folder)


async def shoot(
    chat: Chat,
    group: Group,
    browser: Browser,
    name: str,
    scheme: Literal["light", "dark"],
    **options: Any,
) -> None:
    """Take a picture of the room HIKE as ann sees it, at its end."""
    tokens = await chat.server.accounts.open_session(await chat.account("ann"), client="Firefox")
    context = await browser.new_context(
        base_url=chat.url,
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        **options,
    )
    await context.add_cookies([{"name": COOKIE, "value": tokens.cookie, "url": chat.url}])
    page = await context.new_page()
    await page.goto(f"/index#/room/{group.room}")
    await expect(page.locator("message-list")).to_have_attribute("data-state", "loaded")
    await expect(page.locator(".picture img").last).to_be_visible()
    await group.write("lea")
    await expect(page.locator(".typing")).to_have_text("Léa Martin is writing…")
    await page.wait_for_function(LOADED)
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=FOLDER / name)
    await context.close()


if __name__ == "__main__":
    asyncio.run(main())

"""A window of the browser tests: actions of its user, and expectations about the page."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, expect

from tests.driver import PASSWORD, Chat

expect.set_options(timeout=10_000)

SETUP_LINK = re.compile(r"http://\S+/setup#\S+")
REPORTED = {"error", "warning"}
WITHOUT_WORKER = "Service Worker registration blocked by Playwright"
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
  console.error(`content policy: ${violatedDirective} ${blockedURI}`));
"""


class Window:
    """A page in an isolated browser context, and the errors in its console."""

    chat: Chat  # set by `enter`, as well as one more device of the same user
    another: Callable[..., Awaitable["Window"]]

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        self._expected = re.compile("(?!)")
        page.on("console", self._record_problem)
        page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        page.on("dialog", self._refuse)

    @classmethod
    async def open(cls, context: BrowserContext) -> Self:
        await context.add_init_script(REPORT_VIOLATIONS)
        return cls(await context.new_page())

    async def close(self) -> None:
        await self.page.context.close()

    def allow_console_errors(self, pattern: str) -> None:
        """Ignore messages of Chromium itself about unreachable servers or errors like 404."""
        self._expected = re.compile(pattern)

    def _record_problem(self, message: ConsoleMessage) -> None:
        text = f"{message.type}: {message.text} {message.location['url']}"
        is_expected = WITHOUT_WORKER in text or self._expected.search(text)
        if message.type in REPORTED and not is_expected:
            self.problems.append(text)

    async def _refuse(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    async def begin_room(self) -> None:
        """Open the dialog that creates a room."""
        await self.page.locator("[data-open=rooms]").click()
        await self.page.locator("[data-open=new-room]").click()

    async def choose_people(self, *names: str) -> None:
        """Choose users in the open <people-dialog>, and submit it."""
        dialog = self.page.locator("people-dialog")
        for name in names:
            await dialog.locator(f"[value={name}]").check()
        await dialog.locator("[type=submit]").click()
        await expect(dialog.locator("dialog")).to_be_hidden()

    # Before login --------------------------------------------------------------------------------

    async def sign_up(self, link: str, name: str, display: str = "") -> None:
        """Create an account on the page of a setup link or an invitation."""
        await self.page.goto(link)
        await self.page.locator("#username").fill(name)
        await self.page.locator("#display").fill(display)
        await self.page.locator("#password").fill(PASSWORD)
        await self.page.locator("[type=submit]").click()
        await self.page.wait_for_url("**/index")
        await self.wait_until_loaded()

    async def wait_until_loaded(self) -> None:
        """Wait until the page is connected, and the room and all lazy modules are loaded."""
        await expect(self.page.locator("message-list")).to_have_attribute("data-state", "loaded")
        await expect(self.page.locator("settings-dialog:defined")).to_be_attached()

    # In the chat ----------------------------------------------------------------------------------

    async def invite(self) -> str:
        """Return the link of a new invitation from the dialog."""
        page = self.page
        await page.locator(".topbar-invite").click()
        await page.locator(".invite-form [type=submit]").click()
        await expect(page.locator(".invite-made")).to_be_visible()
        picture = page.locator(".invite-made .qr img")
        await expect(picture).to_have_js_property("complete", True)
        assert await picture.evaluate("picture => picture.naturalWidth") > 0
        link = await page.locator(".invite-made input").input_value()
        await page.locator("invite-dialog .dialog-close").click()
        await expect(page.locator("invite-dialog dialog")).to_be_hidden()
        return link

    async def expect_online(self, *names: str) -> None:
        """Require exactly these users in the list of online users, the window's own user first."""
        rows = self.page.locator("[data-section=online] li")
        await expect(rows).to_have_count(len(names))
        for position, name in enumerate(names):
            await expect(rows.nth(position)).to_have_attribute("data-user", name)

    async def open_user(self, name: str) -> None:
        """Open the conversation with a user who is online."""
        row = self.page.locator(f"[data-section=online] li[data-user='{name}'] a")
        await row.click()
        await self.wait_until_loaded()

    async def open_direct(self, name: str) -> None:
        """Open the conversation with a user who may be offline."""
        await self.page.goto(f"/index#/with/{name}")
        await self.wait_until_loaded()

    async def reload_direct(self, name: str) -> None:
        """Reload the page with the conversation with a user."""
        await self.open_direct(name)
        await self.page.reload()
        await self.wait_until_loaded()

    async def open_lobby(self) -> None:
        row = self.page.locator("[data-section=rooms] a").first
        await row.click()
        await expect(row).to_have_attribute("aria-current", "page")
        await self.wait_until_loaded()

    def rooms(self) -> Locator:
        """Return the names of the rooms in the list."""
        return self.page.locator("[data-section=rooms] .row-name")

    async def open_room(self, title: str) -> None:
        """Open a room of the list."""
        await self.rooms().filter(has_text=title).click()
        await expect(self.page.locator(".topbar-title")).to_have_text(title)
        await self.wait_until_loaded()

    async def press_action(self, action: str, key: str = "") -> None:
        """Press an action button of the hovered message or, with `key`, of the focused one."""
        button = self.page.locator(f"chat-message [data-action={action}]")
        if key:
            await button.press(key)
        else:
            await button.click()

    async def wait_until_disconnected(self) -> None:
        """Wait until the page shows that it has lost the connection."""
        await expect(self.page.locator("connection-banner")).to_have_attribute(
            "data-state", "waiting"
        )

    async def say(self, text: str) -> None:
        await self.page.locator("#composer-text").fill(text)
        await self.page.keyboard.press("Enter")

    async def expect_last(self, text: str) -> None:
        """Require this text as the last message, acknowledged by the server."""
        last = self.page.locator("chat-message").last
        await expect(last.locator(".message-text")).to_have_text(text)
        await expect(last).to_have_attribute("data-state", "sent")

    async def texts(self) -> list[str]:
        """Return all messages of the open room."""
        return await self.page.locator(".message-text").all_text_contents()

    async def unsent(self) -> int:
        """Return the number of messages in the stored outbox."""
        return int(await self.page.evaluate(COUNT_UNSENT))

    async def press(self, element: str, key: str, **facts: Any) -> bool:
        """Dispatch a key press with fields of an input method; return whether it was handled."""
        return bool(await self.page.evaluate(PRESS, [element, {"key": key, **facts}]))

    async def expect_logged_out(self) -> None:
        """Require a banner with a link to the login page."""
        banner = self.page.locator("connection-banner")
        await expect(banner).to_have_attribute("data-state", "ended")
        await expect(banner.locator(".banner-login")).to_be_visible()

    async def log_out(self) -> None:
        await self.page.locator(".account-button").click()
        await self.page.locator(".menu-logout").click()
        await self.page.wait_for_url("**/login")
        for element in ("account-form", "password-field"):
            await expect(self.page.locator(f"{element}:defined")).to_be_visible()


COUNT_UNSENT = """async () => {
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onupgradeneeded = () => request.transaction.abort(); // a look creates no database
  });
  const [{ name }] = await indexedDB.databases();
  const database = await settled(indexedDB.open(name));
  const count = await settled(database.transaction("messages").objectStore("messages").count());
  database.close();
  return count;
}"""

PRESS = """([element, facts]) => {
  const event = new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...facts });
  return !document.querySelector(element).dispatchEvent(event);
}"""


def setup_link(lines: list[str]) -> str:
    """Return the setup link in the output of a server."""
    found = SETUP_LINK.search("".join(lines))
    assert found, lines
    return found[0]

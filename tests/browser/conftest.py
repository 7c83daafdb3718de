"""Chromium, windows in it, and a separate server for each test.

Chromium is started once for all tests, so all of them run in one event loop: each module says so.
"""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from chatserver.config import Settings
from chatserver.web.session_cookies import COOKIE
from tests.browser.window import Window
from tests.conftest import FAST
from tests.driver import Chat
from tests.process import ServerProcess
from tests.rig.chromium import CHROMIUM
from tests.rig.needs import require

OPTIONS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",  # a microphone that beeps every second
    "--use-fake-ui-for-media-stream",  # which pages may use
]

OpenWindow = Callable[..., Awaitable[Window]]
EnterChat = Callable[[str, str], Awaitable[Window]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium."""
    require("Chromium", found=bool(CHROMIUM))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(browser: Browser) -> AsyncIterator[OpenWindow]:
    """Yield a function that opens isolated windows; their consoles must have no errors."""
    windows: list[Window] = []

    async def open_one(url: str, *, locale: str = "en-GB", **options: Any) -> Window:
        options.setdefault("service_workers", "block")  # its requests cannot be intercepted
        context = await browser.new_context(
            base_url=url, locale=locale, reduced_motion="reduce", **options
        )
        window = await Window.open(context)
        windows.append(window)
        return window

    yield open_one
    for window in windows:
        await window.close()
    assert [window.problems for window in windows if window.problems] == []


@pytest_asyncio.fixture(loop_scope="session")
async def enter(
    tmp_path: Path, migrated: Path, open_window: OpenWindow
) -> AsyncIterator[EnterChat]:
    """Yield a function that creates users of a chat in this process, the first as administrator."""
    shutil.copyfile(migrated, tmp_path / "chat.db")
    tmp_path.chmod(0o700)
    chat = await Chat.start(Settings(data=tmp_path, limits=FAST))

    async def one(name: str, display: str) -> Window:
        admin = await chat.server.users.count() == 0
        await chat.user(name, display=display, admin=admin)
        return await open_for(name)

    async def open_for(name: str, **options: Any) -> Window:
        found = await chat.server.users.find(name)
        assert found is not None
        tokens = await chat.server.accounts.open_session(found[0], client="tests")
        window = await open_window(chat.url, **options)
        await window.page.context.add_cookies(
            [{"name": COOKIE, "value": tokens.cookie, "url": chat.url}]
        )
        await window.page.goto("/index")
        await window.wait_until_loaded()
        window.chat, window.another = chat, partial(open_for, name)
        windows.append(window)
        return window

    windows: list[Window] = []
    yield one
    for window in windows:
        await window.close()
    await chat.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server before the setup."""
    require("Chromium", found=bool(CHROMIUM))
    process = ServerProcess(tmp_path / "data")
    try:
        yield process.start()
    finally:
        process.kill()

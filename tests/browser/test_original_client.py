"""A minimal client like the tutorial's: login, list of online users, messages to all and to one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Page, expect

from chatserver.app import SERVER, create_app
from chatserver.config import Settings
from chatserver.storage.users import NewUser
from tests.browser.conftest import OpenWindow
from tests.conftest import FAST
from tests.driver import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = Path(__file__).with_name("original.html")


async def show_page(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE)


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path) -> AsyncIterator[str]:
    """Yield the URL of the client's page; the chat of ann and bo is mounted next to it."""
    chat = create_app(Settings(data=tmp_path / "data", limits=FAST))
    app = web.Application()
    app.add_subapp("/chat", chat)
    app.router.add_get("/", show_page)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    password = await chat[SERVER].passwords.hash(PASSWORD)
    for name in ("ann", "bo"):
        await chat[SERVER].users.add(NewUser(name, name, password))
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def log_in(page: Page, site: str, name: str) -> None:
    await page.goto(site)
    await page.locator("[name=username]").fill(name)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()


async def expect_choices(page: Page, *names: str) -> None:
    await expect(page.locator("[name=to] option")).to_have_text(["everyone", *names])


async def send(page: Page, text: str, to: str = "everyone") -> None:
    await page.locator("[name=to]").select_option(label=to)
    await page.locator("[name=text]").fill(text)
    await page.get_by_role("button", name="Send").click()


async def test_a_client_with_a_live_user_list_needs_only_four_types(
    open_window: OpenWindow, site: str
) -> None:
    windows = [await open_window(site), await open_window(site)]
    ann, bo = [window.page for window in windows]
    await log_in(ann, site, "ann")
    await expect_choices(ann, "ann")
    await log_in(bo, site, "bo")
    await expect_choices(bo, "ann", "bo")
    await expect_choices(ann, "ann", "bo")
    await send(ann, "good morning")
    await expect(bo.locator("li")).to_have_text(["ann: good morning"])
    await send(bo, "only you", to="ann")
    await expect(ann.locator("li").last).to_have_text("bo to ann: only you")
    await windows[1].close()
    await expect_choices(ann, "ann")
    await windows[0].close()

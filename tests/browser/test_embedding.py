"""The chat as a sub-application under a prefix."""

from pathlib import Path

import pytest
from aiohttp import web

from chatserver.app import SERVER, create_app
from chatserver.config import Settings
from tests.browser.conftest import OpenWindow
from tests.conftest import FAST

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_chat_works_under_a_prefix(tmp_path: Path, open_window: OpenWindow) -> None:
    outer = web.Application()
    inner = create_app(Settings(data=tmp_path / "data", limits=FAST))
    outer.add_subapp("/chat", inner)
    runner = web.AppRunner(outer, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ann, bo = await open_window(url), await open_window(url)
        token = inner[SERVER].accounts.setup_token()
        await ann.sign_up(f"{url}/chat/setup#{token}", "ann", "Ann")
        await bo.sign_up(await ann.invite(), "bo", "Bo")
        await bo.say("从前缀里问好")
        await ann.expect_last("从前缀里问好")
        await ann.open_user("bo")
        assert ann.page.url == f"{url}/chat/index#/with/bo"
        await ann.log_out()
        assert ann.page.url == f"{url}/chat/login"
        await ann.close()
        await bo.close()
    finally:
        await runner.cleanup()

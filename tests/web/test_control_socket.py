"""Control socket of an embedded chat: commands and the setup link."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpClient

from chatserver import create_app, models
from chatserver.app import SERVER
from chatserver.commands.control import Control, RequestRefused, connected, control
from chatserver.config import ServerSettings, Settings
from chatserver.protocol import Type
from tests.conftest import FAST
from tests.driver import PASSWORD, Chat, User

REPOSITORY = Path(__file__).parent.parent.parent


async def command(data: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    """Run a command in another process; return exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatserver", "--data", str(data), *arguments),
        env={"PYTHONPATH": str(REPOSITORY)},
        cwd=data.parent,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(typed.encode())
    assert process.returncode is not None
    return process.returncode, out.decode()


def embedded(data: Path, prefix: str, *, public_url: str = "") -> web.Application:
    """Return an application with the chat, mounted below `prefix` if given."""
    server = ServerSettings(public_url=public_url)
    chat = create_app(Settings(data=data, limits=FAST, server=server))
    if not prefix:
        return chat
    outer = web.Application()
    outer.add_subapp(prefix, chat)
    return outer


@pytest.mark.parametrize("prefix", ["", "/chat"])
async def test_commands_reach_an_embedded_chat_that_runs(
    tmp_path: Path, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture, prefix: str
) -> None:
    data = tmp_path / "chat"
    client = await aiohttp_client(embedded(data, prefix))
    (record,) = (r for r in caplog.records if r.levelno == logging.WARNING)
    assert record.name.startswith("chatserver")
    assert record.getMessage().endswith(f": chatserver --data {data} setup-link")
    assert (data / "control.sock").stat().st_mode & 0o777 == 0o600
    code, shown = await command(data, "setup-link")
    assert code == 0
    token = (data / "setup-token").read_text()
    assert f"{prefix}/setup#{token}" in shown.splitlines()
    assert "server.public_url" in shown
    code, _ = await command(
        data, "user", "add", "ann", "--admin", "--password-stdin", typed=PASSWORD
    )
    assert code == 0
    login = {"username": "ann", "password": PASSWORD}
    assert (await client.post(f"{prefix}/login", json=login)).status == 200
    code, shown = await command(data, "invite")
    assert code == 0
    (link,) = (line for line in shown.splitlines() if line.startswith(f"{prefix}/join/"))
    assert (await client.get(link)).status == 200
    assert (await command(data, "backup", "all.zip"))[0] == 0


async def test_no_warning_is_logged_after_the_setup(
    tmp_path: Path, aiohttp_client: AiohttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data=tmp_path / "chat")
    async with control(settings) as line:
        await line.request("POST", "/api/users", {"username": "ann", "password": PASSWORD})
    await aiohttp_client(create_app(settings))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_the_setup_link_has_the_public_url(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    public = "https://chat.example.com"
    await aiohttp_client(embedded(tmp_path / "chat", "/chat", public_url=public))
    async with control(Settings(data=tmp_path / "chat")) as line:
        link = (await line.request("GET", "/api/setup-link"))["url"]
    assert link.startswith(f"{public}/chat/setup#")


async def test_the_setup_warning_is_visible_without_configured_logging(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path\nfrom aiohttp import web\n"
        "from chatserver import Settings, create_app\n"
        "web.run_app(create_app(Settings(data=Path('chat'))), port=0)\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        env={"PYTHONPATH": str(REPOSITORY)},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    process.terminate()
    await process.wait()
    assert line.startswith("there is no account yet")
    assert line.endswith(" setup-link\n")


async def test_room_changes_of_the_operator_are_attributed_to_an_administrator(
    chat: Chat, ann: User, bo: User
) -> None:
    bos = await bo.connect()
    made = await bos.ask(Type.ROOM, action="create", name="plans", private=True)
    path = f"/api/admin/rooms/{made['room']}"
    async with connected(chat.server.folder) as line:
        for change in ({"retention_days": 3}, {"archived": True}):
            await line.request("PATCH", path, change)
        (found,) = [room for room in await rooms(line) if room["name"] == "plans"]
    assert (found["archived"], found["retention_days"]) == (True, 3)
    seen = [await bos.next(Type.ROOM) for _ in range(3)]
    assert [(one["action"], one["user"]) for one in seen] == [
        ("create", bo.name),
        ("change", ann.name),
        ("archive", ann.name),
    ]


async def test_the_operator_cannot_change_rooms_without_an_administrator(tmp_path: Path) -> None:
    async with control(Settings(data=tmp_path / "chat")) as line:
        await line.request("POST", "/api/users", {"username": "bo", "password": PASSWORD})
        with pytest.raises(RequestRefused, match="There is no administrator"):
            await line.request("PATCH", "/api/admin/rooms/1", {"retention_days": 3})


async def rooms(line: Control) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await line.request("GET", "/api/admin/rooms"))["rooms"]
    return found


async def test_a_stopping_chat_finishes_running_commands_and_accepts_no_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path / "chat")
    runner = web.AppRunner(create_app(settings), shutdown_timeout=1.0)
    await runner.setup()
    server = runner.app[SERVER]
    asked, answer = asyncio.Event(), asyncio.Event()
    read_page = server.users.page

    async def slowly(*which: Any, **more: Any) -> list[models.User]:
        asked.set()
        await answer.wait()
        return await read_page(*which, **more)

    monkeypatch.setattr(server.users, "page", slowly)
    async with control(settings) as line:
        asking = asyncio.create_task(line.request("GET", "/api/users"))
        await asked.wait()
        stopping = asyncio.create_task(runner.cleanup())
        while await _listens(server.folder.control):
            await asyncio.sleep(0)
        answer.set()
        assert (await asking)["users"] == []
    await stopping


async def _listens(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    return True

"""A backup during conversations, and clients after its restore."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from chatserver.config import DatabaseSettings, Settings
from chatserver.protocol import Type
from tests.conftest import FAST, StartChat
from tests.driver import Chat, Device, User
from tests.faults.clients import Client
from tests.faults.conversation import PASSWORD, log_in
from tests.process import ServerProcess

USERS = ["ann", "bo", "cy"]


@pytest_asyncio.fixture
async def server(tmp_path: Path, database_url: str) -> AsyncIterator[ServerProcess]:
    """A server in a separate process, with three users."""
    server = ServerProcess(tmp_path / "data", url=database_url)
    for name in USERS:
        server.run("user", "add", name, "--password-stdin", stdin=PASSWORD)
    server.start()
    yield server
    server.kill()


async def command(server: ServerProcess, *arguments: str) -> str:
    """Run a command while the users continue."""
    return await asyncio.to_thread(server.run, *arguments)


def rows(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of an export, by table."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row.pop("table"), []).append(row)
    return found


async def test_a_backup_during_conversations_is_complete_and_can_be_restored(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with aiohttp.ClientSession() as http:
        tokens = [await log_in(http, server.url, name) for name in USERS]
        users = [
            Client(http, server.url, name, token) for name, token in zip(USERS, tokens, strict=True)
        ]
        stop = asyncio.Event()
        running = [asyncio.create_task(user.run()) for user in users]
        talking = [asyncio.create_task(user.talk(USERS, stop)) for user in users]
        while sum(len(user.diary.answered) for user in users) < 300:
            await asyncio.sleep(0.05)
        before = {key for user in users for key in user.diary.answered}
        await command(server, "backup", str(tmp_path / "backup.zip"))
        assert (await command(server, "check")).startswith("No findings in ")
        stop.set()
        await asyncio.gather(*talking, *(user.all_answered(30) for user in users))
        assert {(user.unanswered, user.welcomes) for user in users} == {(0, 1)}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    await command(server, "export", str(tmp_path / "end.jsonl"))
    server.stop()
    await command(server, "restore", str(tmp_path / "backup.zip"), "--replace", "--yes")
    assert (await command(server, "check")).startswith("No findings in ")
    await command(server, "export", str(tmp_path / "restored.jsonl"))
    end, restored = rows(tmp_path / "end.jsonl"), rows(tmp_path / "restored.jsonl")
    heads = {room["id"]: room["head"] for room in restored["rooms"]}
    kept = [row for row in end["events"] if row["seq"] <= heads.get(row["room_id"], 0)]
    assert restored["events"] == kept
    assert before <= {row["client_id"] for row in kept}
    assert 300 <= len(kept) < len(end["events"])
    assert restored["users"] == end["users"]
    assert restored["meta"] != end["meta"]


async def test_clients_reset_after_a_restore(
    start_chat: StartChat, tmp_path: Path, database_url: str
) -> None:
    settings = Settings(
        data=tmp_path / "data", limits=FAST, database=DatabaseSettings(url=database_url)
    )
    backup = tmp_path / "backup.zip"
    commands = ServerProcess(settings.data, url=database_url)
    first = await start_chat(settings)
    ann = await first.user("ann", admin=True)
    device = await ann.connect()
    for number in range(3):
        await device.say(f"before {number}")
    await first.stop()
    await command(commands, "backup", str(backup))
    second = await start_chat(settings)
    device = await on(second, ann)
    for number in range(5):
        await device.say(f"after {number}")
    old = device.welcome["epoch"]
    await second.stop()
    await command(commands, "restore", str(backup), "--replace", "--yes")
    third = await start_chat(settings)
    device = await on(third, ann)  # with the session that she had
    epoch = device.welcome["epoch"]
    assert epoch != old
    assert device.welcome["rooms"][0]["head"] == 3
    for refused in (
        await device.history(1, after=2, epoch=old),
        await device.ask(Type.HISTORY, rooms={"1": 2}, epoch=old),
        await device.history(1, after=8),
    ):
        assert (refused["ok"], refused["code"], refused["epoch"]) == (False, "reset", epoch)
    page = await device.history(1, after=0, epoch=epoch)
    assert [event["data"] for event in page["events"]] == [f"before {n}" for n in range(3)]
    assert (await device.say("and on it goes"))["seq"] == 4


async def on(chat: Chat, user: User) -> Device:
    """Connect a device of a user to that server."""
    return await User(chat, user.name, user.number, user.token, chat.browser()).connect()


async def test_only_the_operator_can_download_an_archive(ann: User) -> None:
    for what in ("archive", "check"):
        answer = await ann.ask("GET", f"/api/keeping/{what}")
        assert (answer.status, answer.json["code"]) == (403, "forbidden")

"""Pushes of a server that is killed: each message is pushed once or not at all, to its reader."""

import asyncio
import random
from pathlib import Path

import aiohttp

from chatserver.config import PushSettings, Settings
from tests.conftest import FAST
from tests.driver import Chat, ask
from tests.faults.report import whole
from tests.faults.server import Server
from tests.push.browsers import Browser, PushService, notification, subscribe
from tests.test_tls import make_certificate

KILLS = whole(30, 4)
PATIENCE = 1.0  # seconds until all that is due has been sent


def hurry() -> None:
    """Push at once, so that kills hit every step."""
    from chatserver.push import reader
    from chatserver.storage import push_claims

    reader.DELAY = reader.START_DELAY = 0.1
    reader.POLL_INTERVAL = 0.02
    push_claims.MIN_INTERVAL = 0


async def test_kill_9_pushes_no_message_twice_and_none_to_another_user(tmp_path: Path) -> None:
    service = await PushService.start(make_certificate(tmp_path))
    token, browser = await prepared(tmp_path / "data", service)
    environ = {
        "CHATSERVER_PUSH__HOSTS": service.host,
        "SSL_CERT_FILE": str(tmp_path / "certificate.pem"),
    }
    server = Server(tmp_path / "data", environ=environ, plant=hurry)
    chance = random.Random(1)
    try:
        for number in range(KILLS):
            await asyncio.to_thread(server.start)
            await say(server, token, f"@bo {number}")
            await asyncio.sleep(chance.uniform(0.0, 0.25))
            await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await asyncio.sleep(PATIENCE)
    finally:
        await asyncio.to_thread(server.kill)
        await service.stop()
    assert {one.path for one in service.received} == {"/bo"}
    shown = [notification(browser, one) for one in service.received]
    bodies = [one["body"] for one in shown]
    numbers = [int(body.split()[0]) if body[0].isdigit() else 1 for body in bodies]
    assert 0 < sum(numbers) <= KILLS, bodies
    seqs = [one["data"]["seq"] for one in shown]
    assert seqs == sorted(set(seqs))


async def prepared(data: Path, service: PushService) -> tuple[str, Browser]:
    """Create users whose browsers get pushes; return the token of ann and the browser of bo."""
    push = PushSettings(hosts=[service.host])
    chat = await Chat.start(Settings(data=data, limits=FAST, push=push))
    ann, bo, cy = [await chat.user(name, admin=name == "ann") for name in ("ann", "bo", "cy")]
    browser = Browser(service, "bo")
    await subscribe(bo, browser, content="sender")
    for user in (ann, cy):
        await subscribe(user, Browser(service, user.name))
    await chat.stop()
    return ann.token, browser


async def say(server: Server, token: str, text: str) -> None:
    async with aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{server.url}/api/rooms/1/messages"
        assert (await ask(http, "POST", url, {"data": text}, headers)).status == 201

"""The server is killed twenty times while ten people talk: nothing answered is lost or doubled."""

import asyncio
import random
from pathlib import Path

import aiohttp

from tests.faults.checker import check
from tests.faults.clients import Client
from tests.process import ServerProcess

KILLS = 20
ANSWERS = 1_000  # at least, so that the counts mean something
PEOPLE = [f"bo{number}" for number in range(10)]
ALIVE = (0.1, 0.6)  # seconds between start and kill
PASSWORD = "purple stone river"


async def sign_in(http: aiohttp.ClientSession, url: str, name: str) -> str:
    form = {"username": name, "password": PASSWORD}
    async with http.post(f"{url}/login", json=form) as response:
        assert response.status == 200, await response.text()
        return response.headers["Authorization"].removeprefix("Bearer ")


async def test_nothing_answered_is_lost_or_doubled_by_kill_9(
    tmp_path: Path, database_url: str
) -> None:
    server = ServerProcess(tmp_path / "data", url=database_url)
    people = tmp_path / "people.csv"
    rows = "".join(f"{name},,{PASSWORD}\n" for name in [*PEOPLE, "fresh"])
    people.write_text(f"name,display,password\n{rows}")
    server.run("user", "import", str(people))
    server.start()
    chance = random.Random(7)
    try:
        async with aiohttp.ClientSession() as http:
            tokens = {name: await sign_in(http, server.url, name) for name in [*PEOPLE, "fresh"]}
            clients = [Client(http, server.url, name, tokens[name]) for name in PEOPLE]
            stop = asyncio.Event()
            running = [asyncio.create_task(client.run()) for client in clients]
            talking = [asyncio.create_task(client.talk(PEOPLE, stop)) for client in clients]
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(*ALIVE))
                server.kill()
                await asyncio.to_thread(server.start)
            while sum(len(client.diary.answered) for client in clients) <= ANSWERS:
                await asyncio.sleep(ALIVE[0])  # a slow machine talks on for longer
            stop.set()
            await asyncio.gather(*talking, *(client.settled() for client in clients))
            fresh = Client(http, server.url, "fresh", tokens["fresh"])
            for client in [*clients, fresh]:
                await client.read_everything()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
    finally:
        server.kill()
    diaries = [client.diary for client in clients]
    fresh.diary.rooms = set()  # it was shown nothing live: its history alone is compared
    verdict = check([*diaries, fresh.diary])
    answered = sum(len(diary.answered) for diary in diaries)
    reconnects = sum(client.reconnects for client in clients)
    print(f"{KILLS} kills, {answered} answered, {reconnects} reconnects: {verdict}")
    assert verdict.sound, str(verdict)
    assert answered > ANSWERS
    assert reconnects >= KILLS * len(PEOPLE) / 2

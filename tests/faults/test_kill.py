"""Kills during messages of ten users: no acknowledged message is lost or duplicated."""

import asyncio
import random
import time
from pathlib import Path

from tests.faults.conversation import Talk, settle_in
from tests.faults.report import Sound, whole
from tests.faults.server import Server

KILLS = whole(50, 20)
ANSWERS = 10  # minimum number of replies between two kills
ALIVE = (0.02, 0.2)  # seconds from then to the kill


async def test_kill_9_loses_and_duplicates_no_acknowledged_message(
    tmp_path: Path, database_url: str, sound: Sound
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    users = await settle_in(mine, url=database_url)
    server = Server(users.folder, url=database_url).start()
    chance = random.Random(7)
    downtimes = []
    try:
        async with Talk(server, users) as talk:
            for _ in range(KILLS):
                await talk.answers(ANSWERS)
                await asyncio.sleep(chance.uniform(*ALIVE))
                server.kill()
                killed = time.monotonic()
                await asyncio.to_thread(server.start)
                await talk.answers(1)
                downtimes.append(time.monotonic() - killed)
    finally:
        server.kill()
    kind = "SQLite" if database_url.startswith("sqlite") else "MariaDB"
    seconds = sorted(downtimes)[KILLS // 2]
    figure = f"first reply {seconds:.2f} s after the kill (median, modules in memory)"
    sound("G1", f"`kill -9` of the server × {KILLS}, {kind}", figure, talk)
    assert talk.welcomes >= KILLS * len(talk.clients) / 2

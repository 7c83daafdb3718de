"""All users reconnect at the same time, 100 events behind in five rooms each."""

import asyncio
import os
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from benchmarks.client import Client, Frame, Refused, connect, http
from benchmarks.contenders import Running, serving
from benchmarks.history import database_of, fill
from benchmarks.machine import cpu
from benchmarks.population import User, populate
from benchmarks.results import Goal, Result, Table, shown
from benchmarks.works import Scale

ROOMS = 5
BEHIND = 100  # events in each room
PAUSE = 0.5  # seconds until a client reconnects after a rejection


def catch_up(scale: Scale) -> Result:
    count = 200 if scale.quick else 1_000
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        users = asyncio.run(_prepare(data, count))
        log = Path(folder) / "statements"
        os.environ["BENCHMARK_STATEMENTS"] = str(log)
        with serving(data, users, module="benchmarks.counting") as running:
            before, busy = _statements(running, log), cpu(running.pid)
            took = asyncio.run(_all_return(running, users))
            busy = cpu(running.pid) - busy
            asked = (_statements(running, log) - before) / count
    goals = [
        Goal(
            f"{count:,} come back, {ROOMS} x {BEHIND} events behind: all caught up", took, 10, "s"
        ),
        Goal(
            "and queries each, token check and welcome among them",
            asked,
            2,
            reason="two each, and some that all of them share",
        ),
    ]
    rows = [[f"{count:,}", shown(took), shown(busy), shown(asked)]]
    table = Table(
        "Coming back",
        ("people", "s until all are whole", "server CPU s", "SQL statements each"),
        rows,
    )
    return Result(goals, [table])


async def _prepare(data: Path, count: int) -> list[User]:
    """Create five rooms of all users, with events in each."""
    url = database_of(data)
    users = await populate(data, url, count, shared=ROOMS)
    await fill(url, users, range(2, 2 + ROOMS), ROOMS * BEHIND)
    return users


def _statements(running: Running, log: Path) -> int:
    log.unlink(missing_ok=True)
    os.kill(running.pid, signal.SIGUSR1)
    while not log.exists():
        time.sleep(0.01)
    return int(log.read_text())


async def _all_return(running: Running, users: list[User]) -> float:
    """Return the seconds until all clients have all events."""
    begun = time.perf_counter()
    async with http() as session:
        clients = await asyncio.gather(*(_return(session, running, p) for p in users))
        took = time.perf_counter() - begun
        await asyncio.gather(*(client.close() for client in clients))
    return took


async def _return(session: aiohttp.ClientSession, running: Running, user: User) -> Client:
    client = await _admitted(session, running, user)
    heads = {room["room"]: room["head"] for room in client.welcome["rooms"] if room["room"] > 1}
    positions = {str(room): head - BEHIND for room, head in heads.items()}
    answer = await _answered(client, positions)
    for page in answer["rooms"]:
        seqs = [event["seq"] for event in page["events"]]
        assert seqs == list(range(heads[page["room"]] - BEHIND + 1, heads[page["room"]] + 1))
    assert len(answer["rooms"]) == ROOMS
    return client


async def _admitted(session: aiohttp.ClientSession, running: Running, user: User) -> Client:
    """Reconnect until the server accepts the connection, as clients do."""
    while True:
        try:
            return await connect(session, running, user)
        except aiohttp.WSServerHandshakeError as refused:
            if refused.status != 503:
                raise
            await asyncio.sleep(PAUSE)


async def _answered(client: Client, positions: dict[str, int]) -> Frame:
    """Return the new events of these rooms, with retries while the server is busy."""
    while True:
        try:
            return await client.ask(type=7, epoch=client.welcome["epoch"], rooms=positions)
        except Refused as refused:
            if refused.code != "unavailable":
                raise
            await asyncio.sleep(PAUSE)

"""A million stored messages in a thousand rooms: opening one, paging back, catching up, searching.

All users are members of all rooms, which is the worst case for search.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from benchmarks.client import Client, bearer, connect, http
from benchmarks.contenders import Running, serving
from benchmarks.history import CHINESE, RARE, database_of, fill
from benchmarks.population import User, populate
from benchmarks.results import Goal, Result, Table, percentile, shown
from benchmarks.works import Scale
from chatserver.models import LOBBY

USERS = 200
TIMES = 100
STARTS = 5

Ask = Callable[[], Awaitable[Any]]


def archive(scale: Scale) -> Result:
    count, rooms = (20_000, 20) if scale.quick else (1_000_000, 1_000)
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        users = asyncio.run(_prepare(data, count, rooms))
        starts = [_start(data, users) for _ in range(1 if scale.quick else STARTS)]
        with serving(data, users) as running:
            times = asyncio.run(_ask(running, users[0]))
    work = f"{count:,} stored messages in {rooms:,} rooms"
    goals = [
        Goal(f"{work}: {name}, p50", percentile(ms, 0.5), _GOALS[name], "ms", reason=COLD)
        for name, ms in times.items()
    ]
    goals.append(Goal(f"{work}: from the start to listening", percentile(starts, 0.5), 1.5, "s"))
    rows = [
        [name, *(shown(percentile(ms, p)) for p in (0.5, 0.99, 0.999))]
        for name, ms in times.items()
    ]
    return Result(goals, [Table(work, ("query", "p50 ms", "p99 ms", "p99.9 ms"), rows)])


def _start(data: Path, users: list[User]) -> float:
    """Start a server; return the seconds until it listens."""
    with serving(data, users) as running:
        return running.started_in


COLD = "each query is of another room, read from cold pages: docs/performance.md"
_GOALS = {
    "open a room": 5.0,
    "page of 50 back": 5.0,
    "500 events catch-up": 15.0,
    "search of two Chinese characters": 50.0,
    "search of a rare word": 20.0,
}


async def _prepare(data: Path, count: int, rooms: int) -> list[User]:
    url = database_of(data)
    users = await populate(data, url, USERS, shared=rooms)
    await fill(url, users, range(2, 2 + rooms), count)
    return users


async def _ask(running: Running, user: User) -> dict[str, list[float]]:
    async with http() as session:
        client = await connect(session, running, user)
        heads = {room["room"]: room["head"] for room in client.welcome["rooms"]}
        asked = {
            name: await _timed(ask) for name, ask in _queries(client, session, running, user, heads)
        }
        await client.close()
    return asked


def _queries(
    client: Client,
    session: aiohttp.ClientSession,
    running: Running,
    user: User,
    heads: dict[int, int],
) -> list[tuple[str, Ask]]:
    """Return queries, each of which uses another room or position every time."""
    turns = {"n": 0}
    rooms = [room for room in heads if room != LOBBY]

    def following() -> tuple[int, int]:
        turns["n"] += 1
        room = rooms[turns["n"] % len(rooms)]
        return room, heads[room]

    async def open_room() -> Any:
        room, _ = following()
        return await client.ask(type=7, room=room)

    async def back() -> Any:
        room, head = following()
        return await client.ask(type=7, room=room, before=head * (turns["n"] % 9 + 1) // 10)

    async def catch_up() -> Any:
        room, head = following()
        found = await client.ask(type=7, room=room, after=head - 500, limit=500)
        assert len(found["events"]) == 500
        return found

    def search(words: str) -> Ask:
        async def ask() -> Any:
            url = f"{running.url}/api/search"
            async with session.get(url, params={"q": words}, headers=bearer(user)) as answer:
                found = await answer.json()
                assert found["hits"]
                return found

        return ask

    return list(
        zip(_GOALS, (open_room, back, catch_up, search(CHINESE), search(RARE)), strict=True)
    )


async def _timed(ask: Ask) -> list[float]:
    """Return the milliseconds of sequential calls, below the rate limit of queries."""
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - begun) * 1e3)
        await asyncio.sleep(max(0.0, 0.06 - times[-1] / 1e3))
    return times

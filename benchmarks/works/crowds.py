"""Cost of requests with very many messages, users or accounts."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from benchmarks.client import Client, bearer, connect, http
from benchmarks.contenders import Running, serving
from benchmarks.history import database_of, fill
from benchmarks.machine import cpu_time
from benchmarks.population import User, populate
from benchmarks.probe import Probe, probing
from benchmarks.works import Scale
from chatserver.models import LOBBY

UNREAD = 100_000  # messages
ACCOUNTS = 100_000
ONLINE = 400
READING = 300  # of them, where a room shows receipts
TIMES = 7
TOGETHER = 40

MUTE = "mute a room with 100,000 unread messages"
CONNECT = "connect with 100,000 unread messages"
CREATE = "make a room with 400 people online"
UNSHOWN = "message that 300 online read, without receipts"
RECEIPTS = "message that 300 online read, with receipts"
LIST = "list of 100,000 accounts"
LISTS = "40 lists of 100,000 accounts at once"
CROWDED = {
    MUTE: "x 1,500 (of 300,000)",
    CONNECT: "x 12 (of 375,000)",
    CREATE: "341 ms",
    UNSHOWN: "",
    RECEIPTS: "x 7 of that without",
    LIST: "1.6 s",
    LISTS: "514 MiB",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds of a request, and latency of others during it in milliseconds."""

    cpu: float
    wait: float


def crowds(scale: Scale) -> dict[str, Cost]:
    return _in_a_crowd(scale) | _of_accounts(scale)


def _in_a_crowd(scale: Scale) -> dict[str, Cost]:
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        url = database_of(data)
        users = asyncio.run(populate(data, url, ONLINE + 2))
        asyncio.run(fill(url, users[:1], [LOBBY], UNREAD // 10 if scale.quick else UNREAD))
        with serving(data, users) as running:
            return asyncio.run(_crowded(running))


async def _crowded(running: Running) -> dict[str, Cost]:
    async with http() as session:
        found = await _unread(session, running)
        online = [await connect(session, running, user) for user in running.users[:ONLINE]]
        readers = [asyncio.create_task(_hear(client)) for client in online[1:]]
        found |= await _together(running, online)
        for reader in readers:
            reader.cancel()
    return found


async def _unread(session: aiohttp.ClientSession, running: Running) -> dict[str, Cost]:
    client = await connect(session, running, running.users[1])

    async def mute(number: int) -> None:
        await client.ask(type=13, action="mute", room=LOBBY, on=number % 2 == 0)

    async def come(_number: int) -> None:
        await (await connect(session, running, running.users[1])).close()

    return {
        MUTE: await _cost(running, mute),
        CONNECT: await _cost(running, come),
    }


async def _together(running: Running, online: list[Client]) -> dict[str, Cost]:
    names = [user.name for user in running.users[1:ONLINE]]
    first = online[0]
    made = await first.ask(type=13, action="create", title="hall", users=names)
    room = made["room"]

    async def create(number: int) -> None:
        await first.ask(type=13, action="create", title=f"room {number}", users=names)

    async def read(_number: int) -> None:
        said = await first.ask(type=2, room=room, data="good morning")
        for client in online[1:READING]:
            await client.send(type=9, room=room, seq=said["seq"])
        await asyncio.sleep(1.0)  # read positions are stored, and shown, a little later

    unshown = await _cost(running, read)
    await first.ask(type=13, action="change", room=room, receipts=True)
    return {
        UNSHOWN: unshown,
        RECEIPTS: await _cost(running, read),
        CREATE: await _cost(running, create),
    }


def _of_accounts(scale: Scale) -> dict[str, Cost]:
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        count = ACCOUNTS // 10 if scale.quick else ACCOUNTS
        users = asyncio.run(populate(data, database_of(data), count))
        with serving(data, users) as running:
            return asyncio.run(_listed(running, users))


async def _listed(running: Running, users: list[User]) -> dict[str, Cost]:
    async with http() as session:

        async def read(number: int) -> None:
            url = f"{running.url}/api/users"
            async with session.get(url, headers=bearer(users[number])) as answer:
                async for _piece in answer.content.iter_any():
                    pass

        async def many(_number: int) -> None:
            await asyncio.gather(*(read(number) for number in range(TOGETHER)))

        return {
            LIST: await _cost(running, read),
            LISTS: await _cost(running, many, times=1),
        }


async def _hear(client: Client) -> None:
    with suppress(ConnectionError):
        while True:
            await client.hear()


async def _cost(
    running: Running, ask: Callable[[int], Coroutine[Any, Any, None]], times: int = TIMES
) -> Cost:
    with probing(running) as probe:
        begun = cpu_time(running.pid)
        waits = [await wait_of(probe, ask(number)) for number in range(times)]
        spent = cpu_time(running.pid) - begun
    return Cost(spent / times * 1e6, min(waits))


async def wait_of(probe: Probe, work: Coroutine[Any, Any, None]) -> float:
    """Return the longest response time of another client during some work, in milliseconds."""
    probe.begin()
    await work
    return await asyncio.to_thread(probe.end)

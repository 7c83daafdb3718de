"""Basic figures of one node: start, memory, and messages per second. `make figures`.

The load shares the machine with the server, so throughput is a lower bound.
"""

import asyncio
import os
import re
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.process import ServerProcess
from tests.rig.mariadb import PrivateMariaDB

PASSWORD = "purple stone river"
SENDERS = 10
WINDOW = 20  # messages of one sender without a reply
SECONDS = 5.0  # of sending
SOCKETS = 1_000
USERS = 100
LIMITS = {
    "CHATSERVER_LIMITS__SOCKETS_PER_USER": "100",
    "CHATSERVER_LIMITS__LOGINS_PER_MINUTE_ADDRESS": "100000",
}


def memory(pid: int) -> float:
    """Return the resident memory in MiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


async def log_in(http: aiohttp.ClientSession, url: str, name: str) -> str:
    form = {"username": name, "password": PASSWORD}
    async with http.post(f"{url}/login", json=form) as response:
        response.raise_for_status()
        return response.headers["Authorization"]


async def connect(
    http: aiohttp.ClientSession, url: str, token: str
) -> aiohttp.ClientWebSocketResponse:
    return await http.ws_connect(f"{url}/ws", headers={"Authorization": token})


async def send(ws: aiohttp.ClientWebSocketResponse, name: str, until: float) -> int:
    """Keep WINDOW messages in flight; return the number of replies."""
    answered = sent = 0
    for _ in range(WINDOW):
        sent += 1
        await ws.send_str(f'{{"type":2,"data":"hello there","id":"{name}-{until}-{sent}"}}')
    while answered < sent:
        message = await ws.receive_str()
        if not message.startswith('{"type":4'):
            continue
        answered += 1
        if time.monotonic() < until:
            sent += 1
            await ws.send_str(f'{{"type":2,"data":"hello there","id":"{name}-{until}-{sent}"}}')
    return answered


async def throughput(http: aiohttp.ClientSession, url: str, tokens: list[str]) -> float:
    sockets = [await connect(http, url, token) for token in tokens[:SENDERS]]
    started = time.monotonic()
    counts = await asyncio.gather(
        *(send(ws, f"s{n}", started + SECONDS) for n, ws in enumerate(sockets))
    )
    took = time.monotonic() - started
    for ws in sockets:
        await ws.close()
    return sum(counts) / took


async def first_answer(http: aiohttp.ClientSession, server: ServerProcess, token: str) -> float:
    """Return the seconds from the start of the program to the reply to the first message."""
    started = time.monotonic()
    server.start()
    ws = await connect(http, server.url, token)
    await ws.send_str(f'{{"type":2,"data":"first","id":"{started}"}}')
    while not (await ws.receive_str()).startswith('{"type":4'):
        pass
    took = time.monotonic() - started
    await ws.close()
    return took


async def measure(folder: Path, url: str, kind: str) -> None:
    server = ServerProcess(folder / kind, url=url, environ=LIMITS)
    users = folder / f"{kind}.csv"
    names = [f"bo{number}" for number in range(USERS)]
    users.write_text("name,display,password\n" + "".join(f"{n},,{PASSWORD}\n" for n in names))
    server.run("user", "import", str(users))
    server.start()
    idle = memory(server.pid)
    connector = aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(connector=connector) as http:
            tokens = [await log_in(http, server.url, name) for name in names]
            rate = await throughput(http, server.url, tokens)
            print(f"{kind}: {rate:,.0f} answered messages/s with {SENDERS} senders")
            server.stop()
            starts = [await first_answer(http, server, tokens[0]) for _ in range(1)]
            print(f"{kind}: first answer {min(starts):.2f} s after the start")
            before = memory(server.pid)
            sockets = [
                await connect(http, server.url, tokens[number % USERS]) for number in range(SOCKETS)
            ]
            after = memory(server.pid)
            print(f"{kind}: {idle:.0f} MiB idle, {after:.0f} MiB with {SOCKETS} sockets", end=" ")
            print(f"({(after - before) * 1024 / SOCKETS:.1f} KiB each)")
            await asyncio.gather(*(ws.close() for ws in sockets))
    finally:
        server.stop()


def main() -> None:
    print(f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), "", "sqlite"))
        with PrivateMariaDB() as mariadb:
            asyncio.run(measure(Path(folder), mariadb.create_database("figures"), "mariadb"))


if __name__ == "__main__":
    main()

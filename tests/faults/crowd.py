"""Many connections that only receive, and reconnect with the specified back-off."""

import asyncio
import random
import time
from contextlib import suppress
from itertools import cycle, islice
from typing import Self

import aiohttp

from tests.faults.conversation import Users

CAP = 30.0  # seconds that the back-off grows to
FIRST = 0.5  # seconds


class Crowd:
    """Connects on entering; `back` waits until enough connections are open."""

    def __init__(self, url: str, users: Users, sockets: int) -> None:
        self._url = f"{url}/ws"
        self._sockets = sockets
        self._tokens = list(islice(cycle(users.tokens.values()), sockets))
        self._random = random.Random(7)
        self._connected = 0
        self._enough = asyncio.Event()
        self._nobody = asyncio.Event()
        self._share = 1.0

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._running = [asyncio.create_task(self._live(token)) for token in self._tokens]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._http.close()

    async def gone(self) -> None:
        """Wait until no client is connected."""
        await self._nobody.wait()

    async def back(self, share: float) -> float:
        """Wait until this share of the clients is connected; return the seconds."""
        started = time.monotonic()
        self._share = share
        self._count(0)
        await self._enough.wait()
        return time.monotonic() - started

    def _count(self, change: int) -> None:
        self._connected += change
        _set(self._nobody, self._connected == 0)
        _set(self._enough, self._connected >= self._share * self._sockets)

    async def _live(self, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        tries = 0
        while True:
            with suppress(aiohttp.ClientError, OSError):
                async with self._http.ws_connect(self._url, headers=headers) as ws:
                    await ws.receive()
                    tries = 0
                    self._count(1)
                    try:
                        async for _ in ws:
                            pass
                    finally:
                        self._count(-1)
            await asyncio.sleep(self._random.uniform(0, min(CAP, FIRST * 2**tries)))
            tries += 1


def _set(event: asyncio.Event, on: bool) -> None:
    event.set() if on else event.clear()

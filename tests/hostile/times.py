"""Timing attacks on logins, and the cost of a flood of logins for other users."""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import aiohttp

from chatserver.accounts import login_guard
from chatserver.protocol import Type
from chatserver.web import rates
from tests.faults.conversation import PASSWORD

ROUNDS = 120  # answers of each kind
SHUFFLES = 2_000
FLOOD = 40  # concurrent logins


def let_guess() -> None:
    """Plant for Server: disable delays for wrong passwords and rate limits.

    The scanners would not get far otherwise.
    """
    login_guard.FREE_FAILURES = 10**9
    rates.READ_RATE = rates.CHANGE_RATE = rates.ANONYMOUS_RATE = rates.PROBE_RATE = (
        1_000_000,
        1_000_000,
    )


async def refusals(url: str, names: dict[str, str]) -> dict[str, list[float]]:
    """Return the milliseconds until a wrong password was rejected, by kind of name."""
    taken: dict[str, list[float]] = {kind: [] for kind in names}
    async with aiohttp.ClientSession() as http:
        for _ in range(ROUNDS):
            for kind in random.sample(list(names), len(names)):
                form = {"username": names[kind], "password": "not this one"}
                started = time.perf_counter()
                async with http.post(f"{url}/login", json=form) as answer:
                    assert answer.status == 401, await answer.text()
                    await answer.read()
                taken[kind].append((time.perf_counter() - started) * 1000)
    return {kind: all_[5:] for kind, all_ in taken.items()}


def likely_the_same(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the probability of such different medians by chance (a permutation test)."""
    seen = abs(statistics.median(one) - statistics.median(other))
    mixed, chance, further = [*one, *other], random.Random(1), 0
    for _ in range(SHUFFLES):
        chance.shuffle(mixed)
        parts = mixed[: len(one)], mixed[len(one) :]
        further += abs(statistics.median(parts[0]) - statistics.median(parts[1])) >= seen
    return further / SHUFFLES


@asynccontextmanager
async def connected(url: str, token: str) -> AsyncIterator[None]:
    """Hold a connection that only receives."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/ws", headers=headers) as ws:
        listening = asyncio.create_task(_listen(ws))
        yield
        listening.cancel()


async def _listen(ws: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in ws:
        pass


async def latency(url: str, token: str, seconds: float) -> list[float]:
    """Return the milliseconds from each message to its reply, one every 20 ms."""
    taken, until = [], time.perf_counter() + seconds
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/ws", headers=headers) as ws:
        number = 0
        while time.perf_counter() < until:
            number += 1
            request_id = f"{until}-{number}"
            started = time.perf_counter()
            await ws.send_json({"type": Type.GROUP_CHAT, "data": "still here", "id": request_id})
            while (await ws.receive_json()).get("id") != request_id:
                pass
            taken.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.02)
    return taken


async def flooded(url: str, token: str, seconds: float) -> tuple[list[float], int]:
    """Return the same during a flood of logins, and the number of their responses."""
    answered = 0

    async def flood(http: aiohttp.ClientSession) -> None:
        nonlocal answered
        while True:
            form = {"username": "bo0", "password": PASSWORD}
            async with http.post(f"{url}/login", json=form) as answer:
                assert answer.status in (200, 429), await answer.text()
                answered += 1
                if answer.status == 429:
                    await asyncio.sleep(0.05)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        floods = [asyncio.create_task(flood(http)) for _ in range(FLOOD)]
        taken = await latency(url, token, seconds)
        for task in floods:
            task.cancel()
        for task in floods:
            with suppress(asyncio.CancelledError):
                await task
    return taken, answered


def summary(taken: Sequence[float]) -> str:
    ranks = statistics.quantiles(taken, n=100)
    return f"p50 {ranks[49]:.1f} ms, p99 {ranks[98]:.1f} ms"

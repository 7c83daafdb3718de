"""Benchmarks: their arithmetic, and that the load generator detects errors."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from benchmarks import load
from benchmarks.contenders import Running
from benchmarks.history import database_of, fill
from benchmarks.population import User, name_of, populate
from benchmarks.report import text
from benchmarks.results import Goal, Result, percentile, ratio, spread
from benchmarks.works.cliffs import PLACES
from benchmarks.works.inputs import ACTS, TEXTS, Case
from chatserver.config import LimitSettings
from chatserver.protocol import Type, decode
from tests.process import ServerProcess
from tests.rig.needs import require

USERS = 6
WATCHED = 5  # the index of the user for whom errors are planted

Say = Callable[[str], Awaitable[None]]


def test_a_ratio_compares_the_medians_of_one_run() -> None:
    assert ratio([30, 1, 40], [10, 10, 900]) == 3


def test_the_spread_is_a_share_of_the_median() -> None:
    assert spread([90, 100, 120]) == pytest.approx(0.3)


def test_a_percentile_is_the_value_at_its_rank() -> None:
    values = list(range(100))
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99


@pytest.mark.parametrize(("figure", "at_least", "reached"), [(2, True, False), (2, False, True)])
def test_a_goal_is_a_minimum_or_a_maximum(*, figure: float, at_least: bool, reached: bool) -> None:
    assert Goal("work", figure, 3, at_least=at_least).is_reached is reached


def test_a_missed_goal_is_in_the_report_with_its_figure_and_the_reason() -> None:
    missed = Goal("one room", 8.3, 15, "x", at_least=True, reason="a message costs 150 µs")
    table = text([Result([missed])], [], kind="a test", busy="idle")
    assert "| one room | ≥ 15 x | 8.3 x | **no** | a message costs 150 µs |" in table
    assert "0 of 1 goals reached" in table


@pytest.mark.parametrize("groups", [{"group": 3}, {"pairs": True}, {"shared": 2}], ids=str)
async def test_the_generated_population_is_consistent(
    tmp_path: Path, groups: dict[str, Any]
) -> None:
    data = tmp_path / "data"
    users = await populate(data, database_of(data), USERS, **groups)
    rooms = [user.room for user in users if user.room > 1] or [2, 3]
    members = users if "shared" in groups else users[:1]
    await fill(database_of(data), members, rooms if "shared" in groups else rooms[:1], 60)
    checked = await asyncio.to_thread(ServerProcess(data).run, "check")
    assert "60 events" in checked


@pytest.mark.parametrize("case", [*TEXTS, *ACTS, *PLACES], ids=lambda case: case.name)
def test_the_unusual_inputs_are_accepted_by_the_server(case: Case) -> None:
    for number in (0, 7):
        target = {"target": 1} if case.acts else {}
        frame = {"room": 1, "id": "a", **case.command(number), **target}
        decode(json.dumps(frame), limit=LimitSettings().frame_bytes)
        assert len(frame.get("data", "")) <= LimitSettings().message_chars


class Relay:
    """Relays every message to all others; to one of them with a planted error."""

    def __init__(self, plant: Callable[[int, str, Say], Awaitable[None]] | None = None) -> None:
        self._plant = plant
        self._sockets: list[web.WebSocketResponse] = []
        self._passed = 0

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self._sockets.append(ws)
        await ws.send_str('{"type":1,"data":[]}')
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await self._relay(ws, message.data)
        return ws

    async def _relay(self, sender: web.WebSocketResponse, message: str) -> None:
        assert json.loads(message)["type"] == Type.GROUP_CHAT
        self._passed += 1
        for ws in self._sockets:
            if ws is sender:
                continue
            if self._plant and ws is self._sockets[WATCHED]:
                await self._plant(self._passed, message, ws.send_str)
            else:
                await ws.send_str(message)


async def outcome_of(relay: Relay) -> load.Outcome:
    require("gcc", found=shutil.which("gcc") is not None)
    app = web.Application()
    app.router.add_get("/ws", relay.serve)
    async with TestServer(app) as server:
        assert server.port is not None
        users = [User(n + 1, name_of(n), "none") for n in range(USERS)]
        running = Running("relay", server.port, 0, users)
        options = {"senders": 2, "window": 2, "seconds": 0.2, "warm": 0, "patience": 0.2}
        return await asyncio.to_thread(load.run, running, **options)


async def test_the_load_generator_accepts_a_correct_relay() -> None:
    found = await outcome_of(Relay())
    assert found.messages > 0
    assert found.deliveries >= found.messages


async def test_the_load_generator_detects_a_lost_message() -> None:
    async def lose(number: int, message: str, say: Say) -> None:
        if number != 3:
            await say(message)

    with pytest.raises(load.LoadFailed, match=r'"holes":[1-9]'):
        await outcome_of(Relay(lose))


async def test_the_load_generator_detects_a_duplicate() -> None:
    async def repeat(number: int, message: str, say: Say) -> None:
        await say(message)
        if number == 3:
            await say(message)

    with pytest.raises(load.LoadFailed, match=r'"holes":0,"doubles":1'):
        await outcome_of(Relay(repeat))


async def test_the_load_generator_detects_a_different_order() -> None:
    held: list[str] = []

    async def swap(number: int, message: str, say: Say) -> None:
        if number == 3:
            held.append(message)
            return
        await say(message)
        if held:
            await say(held.pop())

    with pytest.raises(load.LoadFailed, match=r'"holes":0,"doubles":0,"disorder":[1-9]'):
        await outcome_of(Relay(swap))

"""Server CPU of plausible but unusual requests, as a multiple of a plain message."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.client import Client, connect, http
from benchmarks.contenders import Running, serving
from benchmarks.history import database_of
from benchmarks.machine import cpu_time
from benchmarks.population import populate
from benchmarks.probe import probing
from benchmarks.results import Goal, Result, Table, median, shown
from benchmarks.works import Scale
from benchmarks.works.crowds import CROWDED, Cost, crowds, wait_of
from benchmarks.works.inputs import ACTS, TEXTS, Case, Command, targets_of
from chatserver.models import LOBBY
from chatserver.protocol import Type

USERS = 2_000
ROOMS = 1_000
MEMBERS = 20  # of each of these rooms
MESSAGES = 600  # of each case and round
BURST = 20  # messages that the default rate allows at once
BURSTS = 5
DEARER = 10.0  # times a plain message, or others wait no longer than WAIT
WAIT = 20.0  # milliseconds


Costs = dict[str, list[Cost]]


def costs(scale: Scale) -> Result:
    """Measure each case, and a plain message in the same round."""
    found: Costs = {}
    for _ in range(scale.rounds):
        for name, cost in {**_among_people(scale), **_in_rooms(scale), **crowds(scale)}.items():
            found.setdefault(name, []).append(cost)
    plain = median([cost.cpu for cost in found.pop(PLAIN.name)])
    rows, goals = [], []
    for name, those in found.items():
        dearer = median([cost.cpu for cost in those]) / plain
        wait = median([cost.wait for cost in those])
        rows.append([name, BEFORE[name], f"x {shown(dearer)}", shown(wait)])
        goals.append(_goal(name, dearer, wait))
    title = f"Server CPU of one request, to a plain message ({shown(plain)} µs)"
    columns = ("input", "before", "now", "longest wait of others, ms")
    return Result(goals, [Table(title, columns, rows)], notes=[NOTE])


def _goal(name: str, dearer: float, wait: float) -> Goal:
    """Return the goal: at most ten times a plain message, or a short latency of others."""
    if dearer > DEARER:
        return Goal(f"{name}: longest wait of others", wait, WAIT, "ms", reason=SHARED)
    return Goal(f"{name}: CPU, to a plain message", dearer, DEARER, "x")


NOTE = (
    f"Commands come in bursts of {BURST}, as many as the default rate allows at once. Others wait"
    " for an answer of `/healthz` during a burst; the table shows the best of some bursts."
)
SHARED = "where others use the core too, they are waited for as well"

PLAIN = Case(
    "plain message", 1, lambda n: {"type": Type.GROUP_CHAT, "data": f"good morning, everyone {n}"}
)
NEW_PERSON = Case(
    "direct message to a new person",
    67,
    lambda n: {"type": Type.SINGLE_CHAT, "to": f"p{n % USERS:05}", "data": f"good morning {n}"},
)
FIRST_IN_ROOM = Case(
    "first message to a room since the start",
    20,
    lambda n: {"type": Type.GROUP_CHAT, "room": LOBBY + 1 + n, "data": f"good morning {n}"},
)
MISSING_ROOM = Case(
    "message to a room that is not there",
    13,
    lambda n: {"type": Type.GROUP_CHAT, "room": 10_000_000 + n, "data": f"good morning {n}"},
)
PLACES = (NEW_PERSON, FIRST_IN_ROOM, MISSING_ROOM)
BEFORE = {case.name: f"x {shown(case.before)}" for case in (*TEXTS, *ACTS, *PLACES)} | CROWDED


def _among_people(scale: Scale) -> dict[str, Cost]:
    """Cases in the lobby, and direct messages."""
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        users = asyncio.run(populate(data, database_of(data), USERS))
        with serving(data, users) as running:
            return asyncio.run(_measured(running, [PLAIN, *TEXTS, *ACTS, NEW_PERSON], scale))


def _in_rooms(scale: Scale) -> dict[str, Cost]:
    """Cases that need many rooms."""
    with TemporaryDirectory(prefix="chatserver-bench-") as folder:
        data = Path(folder) / "data"
        users = asyncio.run(populate(data, database_of(data), MEMBERS, shared=ROOMS))
        with serving(data, users) as running:
            return asyncio.run(_measured(running, [FIRST_IN_ROOM, MISSING_ROOM], scale))


async def _measured(running: Running, cases: list[Case], scale: Scale) -> dict[str, Cost]:
    async with http() as session:
        sender = await connect(session, running, running.users[0])
        await Commands(sender, PLAIN.command).run(100 * BURST)
        found = {}
        for case in cases:
            found[case.name] = await _cost(running, sender, case, scale)
            print(f"    {case.name}: {found[case.name]}", flush=True)
        await sender.close()
    return found


async def _cost(running: Running, sender: Client, case: Case, scale: Scale) -> Cost:
    count = MESSAGES // 3 if scale.quick else MESSAGES
    command = case.command
    if case.acts:
        command = await _acting(sender, case, count + BURST * BURSTS)
    commands = Commands(sender, command)
    begun = cpu_time(running.pid)
    await commands.run(count)
    spent = cpu_time(running.pid) - begun
    with probing(running) as probe:
        waits = [await wait_of(probe, commands.run(BURST)) for _ in range(BURSTS)]
    return Cost(spent / count * 1e6, min(waits))


async def _acting(sender: Client, case: Case, count: int) -> Command:
    """Return the command of a case that acts on messages, each on another one."""
    receipts: list[int] = []
    said = Commands(sender, PLAIN.command, receipts.append)
    await said.run(targets_of(case, count))
    return lambda n: case.command(n) | {"room": LOBBY, "target": receipts[case.target(n)]}


class Commands:
    """Sends commands in bursts, and awaits the replies."""

    def __init__(
        self, client: Client, command: Command, stored: Callable[[int], None] | None = None
    ) -> None:
        self._client = client
        self._command = command
        self._stored = stored
        self._sent = 0

    async def run(self, count: int) -> None:
        """Send bursts and await the replies, until there were `count` of them."""
        for done in range(0, count, BURST):
            some = min(BURST, count - done)
            for _ in range(some):
                await self._send()
            for _ in range(some):
                await self._answer()

    async def _send(self) -> None:
        await self._client.send(**{"room": LOBBY, **self._command(self._sent)})
        self._sent += 1

    async def _answer(self) -> None:
        while (frame := await self._client.hear())["type"] != Type.REPLY:
            pass
        if self._stored is not None:
            self._stored(frame["seq"])

"""A tenth of the readers stalls: effects on the others, and how the stalled ones catch up."""

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import load
from benchmarks.client import Client, connect, http
from benchmarks.contenders import OURS, Crowd, Running, chatserver
from benchmarks.load import Outcome
from benchmarks.machine import memory
from benchmarks.population import User
from benchmarks.results import Goal, Result, Table, median, ratio, shown
from benchmarks.works import Scale

USERS = 1_000
WINDOW = 4_096  # bytes; receive buffer of a client that does not read
RATE = 50  # messages a second
BODY = 3_500  # bytes of text in each
PAGE = 500  # events
CUT = "until they are cut, their share of the writes meets a full buffer"


def readers(scale: Scale) -> Result:
    seconds = max(scale.seconds, 6.0 if scale.quick else 20.0)
    calm: list[Outcome] = []
    disturbed: list[Outcome] = []
    seen: list[Stalled] = []
    for _ in range(scale.rounds):
        with chatserver(Crowd(USERS)) as running:
            calm.append(_talk(running, seconds, USERS))
        with chatserver(Crowd(USERS)) as running, stalled(running) as sockets:
            before = memory(running.pid)
            disturbed.append(_talk(running, seconds, USERS - len(sockets)))
            grown = memory(running.pid) - before
            seen.append(asyncio.run(_come_back(running, sockets, grown)))
    return _result(calm, disturbed, seen)


@dataclass(frozen=True, slots=True)
class Stalled:
    """Results of the stalled clients: disconnects, and number of events that each has then."""

    cut: int
    whole: int
    grown: int  # bytes of the server's memory
    of: int


def _result(calm: list[Outcome], disturbed: list[Outcome], seen: list[Stalled]) -> Result:
    moved = ratio([o.latency.p99 for o in disturbed], [o.latency.p99 for o in calm])
    whole = min(one.whole / one.of for one in seen)
    grown = median([one.grown / 2**20 for one in seen])
    work = "10 % of 1,000 readers stalled"
    goals = [
        Goal(f"{work}: p99 of the others, to that without", moved, 1.1, "x", reason=CUT),
        Goal(f"{work}: share of them that caught up whole", whole, 1, "", at_least=True),
        Goal(f"{work}: memory that the server grew by", grown, 100, "MiB"),
    ]
    rows = [
        [
            name,
            shown(median([o.latency.p50 / 1e3 for o in those])),
            shown(median([o.latency.p99 / 1e3 for o in those])),
            shown(median([o.latency.p999 / 1e3 for o in those])),
        ]
        for name, those in ((f"{OURS}, all read", calm), (f"{OURS}, 100 stalled", disturbed))
    ]
    cut = f"{min(one.cut for one in seen)} of {seen[0].of} stalled sockets were cut."
    return Result(
        goals,
        [Table("Stalled readers", ("readers", "p50 ms", "p99 ms", "p99.9 ms"), rows)],
        [],
        [cut],
    )


def _talk(running: Running, seconds: float, users: int) -> Outcome:
    """Load all or nine tenths of the clients at a fixed rate."""
    return load.run(running, users=users, rate=RATE, body=BODY, seconds=seconds)


@contextmanager
def stalled(running: Running) -> Iterator[list[tuple[User, socket.socket]]]:
    """Open connections of the last tenth of the users, who never read."""
    opened = [(user, _open(running, user)) for user in running.users[-USERS // 10 :]]
    try:
        yield opened
    finally:
        for _, line in opened:
            line.close()


def _open(running: Running, user: User) -> socket.socket:
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
    line.settimeout(30)
    line.connect(("127.0.0.1", running.port))
    line.sendall(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {user.token}\r\n\r\n".encode()
    )
    line.recv(12, socket.MSG_PEEK)
    return line


async def _come_back(
    running: Running, sockets: list[tuple[User, socket.socket]], grown: int
) -> Stalled:
    """Read the rest of the stream, reconnect and catch up, as clients do."""
    cut = whole = 0
    for user, line in sockets:
        ended, last = _leftovers(line)
        cut += ended
        async with http() as session:
            client = await connect(session, running, user)
            whole += await _caught_up(client, last)
            await client.close()
    return Stalled(cut, whole, grown, len(sockets))


def _leftovers(line: socket.socket) -> tuple[bool, int]:
    """Return whether the server has closed it, and the last event of the complete ones."""
    received, ended = b"", True
    line.settimeout(0.5)
    try:
        while some := line.recv(1 << 20):
            received += some
    except TimeoutError:
        ended = False
    except ConnectionResetError:
        pass
    seqs = [int(seq) for seq in re.findall(rb'"type":2,"room":1,"seq":(\d+),', received)]
    assert seqs == list(range(1, len(seqs) + 1))
    return ended, max(0, len(seqs) - 1)  # the last one may have been cut in two


async def _caught_up(client: Client, last: int) -> bool:
    """Return whether events follow `last` without gaps, up to the head of the welcome."""
    head = client.welcome["rooms"][0]["head"]
    while last < head:
        page = await client.ask(type=7, room=1, after=last, limit=PAGE)
        seqs = [event["seq"] for event in page["events"]]
        if not seqs or seqs != list(range(last + 1, last + 1 + len(seqs))):
            return False
        last = seqs[-1]
    return True

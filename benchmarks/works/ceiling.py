"""Limit of the load generator itself, measured with a server that only writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import load
from benchmarks.contenders import Running, process
from benchmarks.load import Outcome
from benchmarks.population import User, name_of
from benchmarks.results import Bars, Result, Table, median, shown
from benchmarks.rounds import per_second
from benchmarks.works import Scale
from tests.rig.server import free_port

USERS = 1_000
JOINED = 200  # frames in a write of a server that joins them
CASES = {"one frame a write": 1, f"{JOINED} frames a write": JOINED}


def of_the_load(scale: Scale) -> Result:
    found = {name: _measure(joined, scale) for name, joined in CASES.items()}
    rows = [
        [name, shown(median(per_second(those))), shown(median(_per_cpu_second(those)))]
        for name, those in found.items()
    ]
    columns = ("server", "deliveries/s", "deliveries per CPU second of the load")
    rates = {name: median(_per_cpu_second(those)) for name, those in found.items()}
    title = "The load's own ceiling, 1,000 sockets"
    return Result([], [Table(title, columns, rows)], [Bars(title, columns[2], rates)])


def _measure(joined: int, scale: Scale) -> list[Outcome]:
    found = []
    for _ in range(scale.rounds):
        with _blast(joined) as running:
            options = {"window": 0, "senders": 1, "seconds": scale.seconds}
            found.append(load.run(running, passive=True, **options))
    return found


def _per_cpu_second(those: list[Outcome]) -> list[float]:
    return [one.deliveries / one.load_cpu for one in those]


@contextmanager
def _blast(joined: int) -> Iterator[Running]:
    port = free_port()
    command = [str(load.build("blast")), str(port), str(USERS), str(joined)]
    users = [User(n + 1, name_of(n), "none") for n in range(USERS)]
    with process(command, {}, "listening", Path.cwd()) as pid:
        yield Running("blast", port, pid, users)

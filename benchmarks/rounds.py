"""The same load on several servers, alternating for several rounds.

Alternation distributes disturbances by other programs over all servers.
"""

from collections.abc import Sequence
from typing import Any

from benchmarks import load
from benchmarks.contenders import Crowd, started
from benchmarks.load import Outcome
from benchmarks.machine import busy
from benchmarks.results import Table, median, shown, spread

Outcomes = dict[str, list[Outcome]]


def alternate(names: Sequence[str], crowd: Crowd, rounds: int, /, **options: Any) -> Outcomes:
    """Return the outcomes of each server, in the order of the rounds."""
    found: Outcomes = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            with started(name, crowd) as running:
                found[name].append(load.run(running, **options))
            print(f"    round {number + 1}: {name}, load average {busy():.1f}", flush=True)
    return found


def per_second(outcomes: Sequence[Outcome]) -> list[float]:
    return [one.deliveries_per_second for one in outcomes]


def messages_per_second(outcomes: Sequence[Outcome]) -> list[float]:
    return [one.messages_per_second for one in outcomes]


def p50(outcomes: Sequence[Outcome]) -> list[float]:
    """Milliseconds."""
    return [one.latency.p50 / 1e3 for one in outcomes]


def p99(outcomes: Sequence[Outcome]) -> list[float]:
    """Milliseconds."""
    return [one.latency.p99 / 1e3 for one in outcomes]


def cpu(outcomes: Sequence[Outcome]) -> list[float]:
    return [one.cpu_per_million for one in outcomes]


COLUMNS = (
    "server",
    "deliveries/s",
    "spread",
    "messages/s",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "CPU s per million deliveries",
    "load's core",
)


def table(title: str, outcomes: Outcomes) -> Table:
    """Return a table of the medians of all rounds, one server per row."""
    return Table(title, COLUMNS, [_row(name, those) for name, those in outcomes.items()])


def _row(name: str, those: Sequence[Outcome]) -> list[str]:
    return [
        name,
        shown(median(per_second(those))),
        f"{spread(per_second(those)):.0%}",
        shown(median(messages_per_second(those))),
        shown(median(p50(those))),
        shown(median(p99(those))),
        shown(median([one.latency.p999 / 1e3 for one in those])),
        shown(median(cpu(those))),
        f"{median([one.load_share for one in those]):.0%}",
    ]

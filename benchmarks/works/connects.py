"""All users connect: token check, welcome, and presence until each knows of all."""

from benchmarks.contenders import OURS, Crowd
from benchmarks.results import Bars, Goal, Result, Table, median, shown
from benchmarks.rounds import Outcomes, alternate
from benchmarks.works import Scale

QUIET = {"names": True, "seconds": 0.0, "warm": 0.0, "window": 0}


def arrivals(scale: Scale) -> Result:
    rounds = min(scale.rounds, 2)
    few = 200 if scale.quick else 1_000
    peers = alternate([OURS, "Node ws"], Crowd(few, who_is_here=True), 1, **QUIET)
    ours = alternate([OURS], Crowd(1_000), rounds, **QUIET)
    many = alternate([OURS], Crowd(scale.users(5_000)), rounds, **QUIET)
    seconds, later = _cpu(ours), _cpu(many)
    growth = (later / scale.users(5_000)) / (seconds / 1_000)
    goals = [
        Goal("1,000 people connect: CPU", seconds, 3, "s"),
        Goal("5,000 people connect: CPU a person, to that of 1,000", growth, 1.2, "x"),
    ]
    rows = [
        [OURS, "1,000", shown(seconds), shown(_took(ours))],
        [OURS, f"{scale.users(5_000):,}", shown(later), shown(_took(many))],
        *([name, f"{few:,}", shown(_of(peers, name)), ""] for name in peers),
    ]
    table = Table("Connecting", ("server", "people", "CPU s", "s until all know of all"), rows)
    bars = Bars(f"{few:,} people connect", "CPU s", {name: _of(peers, name) for name in peers})
    return Result(goals, [table], [bars])


def _of(found: Outcomes, name: str) -> float:
    return median([one.connect_cpu for one in found[name]])


def _cpu(found: Outcomes) -> float:
    return _of(found, OURS)


def _took(found: Outcomes) -> float:
    return median([one.connect_seconds for one in found[OURS]])

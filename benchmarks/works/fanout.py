"""One room: ten senders, 200 messages in flight, all members receive everything."""

from benchmarks.contenders import COMMANDS, OURS, Crowd
from benchmarks.results import Bars, Goal, Result, median, ratio
from benchmarks.rounds import alternate, cpu, p99, per_second, table
from benchmarks.works import Scale

SENDERS = 10
IN_FLIGHT = 200
STORING = "a message costs what it takes to store and index it: docs/performance.md"


def thousand(scale: Scale) -> Result:
    return _measure(scale, 1_000, ws=25, uws=12)


def hundred(scale: Scale) -> Result:
    return _measure(scale, 100, ws=15, uws=9)


def _measure(scale: Scale, users: int, *, ws: float, uws: float) -> Result:
    names = [OURS, *(("Node ws", "µWebSockets") if scale.quick else COMMANDS)]
    found = alternate(
        names,
        Crowd(users),
        scale.rounds,
        senders=SENDERS,
        window=IN_FLIGHT,
        seconds=scale.seconds,
    )
    ours, node, micro = found[OURS], found["Node ws"], found["µWebSockets"]
    work = f"one room of {users:,}: deliveries a second"
    goals = [
        Goal(
            f"{work}, to {name}",
            ratio(per_second(ours), per_second(peer)),
            bound,
            "x",
            True,
            STORING,
        )
        for name, peer, bound in (("Node ws", node, ws), ("µWebSockets", micro, uws))
    ]
    if users == 1_000:
        late = ratio(p99(ours), p99(node))
        goals.append(Goal(f"one room of {users:,}: p99, to Node ws", late, 1 / 20, "x"))
    rates = {name: median(per_second(those)) for name, those in found.items()}
    title = f"One room of {users:,}, {SENDERS} senders, {IN_FLIGHT} messages in flight"
    note = (
        f"Server CPU per delivery: Node ws {ratio(cpu(node), cpu(ours)):.1f} times ours, "
        f"µWebSockets {ratio(cpu(micro), cpu(ours)):.1f} times ours."
    )
    return Result(goals, [table(title, found)], [Bars(title, "deliveries/s", rates)], [note])

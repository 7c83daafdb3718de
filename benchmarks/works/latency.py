"""One message at a time on an idle server: from send to receipt, with 100 members."""

from benchmarks.contenders import OURS, Crowd
from benchmarks.results import Bars, Goal, Result, median, ratio
from benchmarks.rounds import alternate, p50, p99, table
from benchmarks.works import Scale

PAUSE = 0.005  # seconds from the last receipt to the next message


def idle(scale: Scale) -> Result:
    found = alternate(
        [OURS, "Node ws", "µWebSockets"],
        Crowd(100),
        scale.rounds,
        gap=PAUSE,
        seconds=scale.seconds,
    )
    ours, node = found[OURS], found["Node ws"]
    work = "one message at a time, 100 members"
    title = "One message at a time, 100 members"
    late = {name: median(p50(those)) for name, those in found.items()}
    goals = [
        Goal(f"{work}: p50, to Node ws", ratio(p50(ours), p50(node)), 3, "x"),
        Goal(f"{work}: p99, to Node ws", ratio(p99(ours), p99(node)), 3, "x"),
    ]
    return Result(goals, [table(title, found)], [Bars(title, "p50 in ms", late)])

"""Direct messages among 1,000 and among 5,000 connected users."""

from benchmarks.contenders import OURS, Crowd
from benchmarks.load import Outcome
from benchmarks.results import Bars, Goal, Result, median, ratio
from benchmarks.rounds import Outcomes, alternate, messages_per_second, table
from benchmarks.works import Scale

WHY = "each message is stored, flushed and indexed; Node ws only passes it on"
NAMES = [OURS, "Node ws", "µWebSockets"]


def pairs(scale: Scale) -> Result:
    few, many = 1_000, scale.users(5_000) if not scale.quick else 2_000
    small, large = _measure(scale, few), _measure(scale, many)
    goals = [
        Goal(
            "1-to-1: CPU a message among many, to that among 1,000", _dearer(small, large), 1.2, "x"
        ),
        *(
            Goal(
                f"1-to-1 among {count:,}: messages a second, to Node ws",
                ours,
                bound,
                "x",
                True,
                WHY,
            )
            for count, ours, bound in ((few, _faster(small), 1), (many, _faster(large), 4))
        ),
    ]
    rates = {
        f"{name}, {count:,}": median(messages_per_second(found[name]))
        for count, found in ((few, small), (many, large))
        for name in NAMES
    }
    tables = [
        table(f"1-to-1 messages among {few:,}", small),
        table(f"1-to-1 messages among {many:,}", large),
    ]
    return Result(goals, tables, [Bars("1-to-1 messages", "messages/s", rates)])


def _measure(scale: Scale, users: int) -> Outcomes:
    crowd = Crowd(users, pairs=True)
    options = {"direct": True, "group": 2, "senders": users, "window": 200}
    return alternate(NAMES, crowd, scale.rounds, seconds=scale.seconds, **options)


def _dearer(small: Outcomes, large: Outcomes) -> float:
    return ratio(_cost(large[OURS]), _cost(small[OURS]))


def _faster(found: Outcomes) -> float:
    return ratio(messages_per_second(found[OURS]), messages_per_second(found["Node ws"]))


def _cost(outcomes: list[Outcome]) -> list[float]:
    return [one.server_cpu / max(one.messages, 1) for one in outcomes]

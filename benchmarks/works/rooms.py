"""200 rooms of ten users, all of whom send messages."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from benchmarks import load
from benchmarks.contenders import OURS, Crowd, Running, chatserver, on_mariadb
from benchmarks.results import Goal, Result, median
from benchmarks.rounds import Outcomes, messages_per_second, table
from benchmarks.works import Scale

ROOMS = 200
MEMBERS = 10
IN_FLIGHT = 400
WARM = 4.0  # seconds; the first message in a room has to look up the room


def busy_rooms(scale: Scale) -> Result:
    crowd = Crowd(ROOMS * MEMBERS, group=MEMBERS)
    found: Outcomes = {}
    for name, start in (("SQLite", chatserver), ("MariaDB", on_mariadb)):
        if scale.quick and name == "MariaDB":
            continue
        found[f"{OURS}, {name}"] = [_once(start, crowd, scale) for _ in range(scale.rounds)]
    rate = median(messages_per_second(found[f"{OURS}, SQLite"]))
    work = f"{ROOMS} rooms of {MEMBERS}: messages stored and delivered a second, SQLite"
    title = f"{ROOMS} rooms of {MEMBERS}, everybody talks, {IN_FLIGHT} messages in flight"
    notes = ["MariaDB runs as a process of its own; its CPU is not in the table."]
    return Result([Goal(work, rate, 8_000, "/s", True)], [table(title, found)], [], notes)


def _once(
    start: Callable[[Crowd], AbstractContextManager[Running]], crowd: Crowd, scale: Scale
) -> load.Outcome:
    with start(crowd) as running:
        return load.run(
            running,
            group=MEMBERS,
            senders=crowd.users,
            window=IN_FLIGHT,
            warm=WARM,
            seconds=scale.seconds,
        )

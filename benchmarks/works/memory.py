"""Resident memory of an idle, authenticated connection."""

import time

from benchmarks import load
from benchmarks.contenders import OURS, Crowd, started
from benchmarks.machine import memory
from benchmarks.results import Bars, Goal, Result, Table, shown
from benchmarks.works import Scale

NAMES = [OURS, "Node ws", "aiohttp"]
QUIET = 2.0  # seconds after the last welcome: presence has been sent


def sockets(scale: Scale) -> Result:
    counts = [1_000] if scale.quick else [5_000, 10_000]
    rows, goals, bars = [], [], {}
    for count in counts:
        for name in NAMES:
            each = _each(name, count)
            rows.append([name, f"{count:,}", shown(each)])
            bars[f"{name}, {count:,}"] = each
            if name == OURS:
                goals.append(Goal(f"an idle socket among {count:,}: memory", each, 20, "KiB"))
    table = Table("Memory of an idle socket", ("server", "sockets", "KiB each"), rows)
    return Result(goals, [table], [Bars("Memory of an idle socket", "KiB", bars)])


def _each(name: str, count: int) -> float:
    """Return the KiB of resident memory per connection."""
    with started(name, Crowd(count)) as running:
        before = memory(running.pid)
        with load.held(running):
            time.sleep(QUIET)
            return (memory(running.pid) - before) / count / 1024

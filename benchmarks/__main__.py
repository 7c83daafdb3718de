"""Benchmarks of the server and its peers in one run: `make bench`, or `make bench-quick`.

`python -m benchmarks fanout-1000 past` runs only these. The exit code is 1 if received messages
were wrong, with --strict also if a goal was missed.
"""

import argparse
import resource
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from benchmarks import report
from benchmarks.contenders import PEERS
from benchmarks.load import LoadFailed
from benchmarks.machine import busy
from benchmarks.results import Result
from benchmarks.works import (
    Scale,
    Work,
    ceiling,
    cliffs,
    connects,
    direct,
    fanout,
    files,
    latency,
    memory,
    past,
    photos,
    pushes,
    reconnect,
    rooms,
    stalled,
)

HERE = Path(__file__).parent
FULL = Scale(rounds=3, seconds=5.0, quick=False)
QUICK = Scale(rounds=1, seconds=2.0, quick=True)

WORKS: dict[str, Work] = {
    "ceiling": ceiling.of_the_load,
    "fanout-1000": fanout.thousand,
    "fanout-100": fanout.hundred,
    "latency": latency.idle,
    "direct": direct.pairs,
    "connects": connects.arrivals,
    "memory": memory.sockets,
    "rooms": rooms.busy_rooms,
    "stalled": stalled.readers,
    "reconnect": reconnect.catch_up,
    "past": past.archive,
    "cliffs": cliffs.costs,
    "files": files.transfers,
    "photos": photos.photos,
    "pushes": pushes.sender,
}
IN_A_HURRY = ["ceiling", "fanout-1000", "fanout-100", "latency", "connects", "memory", "rooms"]


def main() -> int:
    options = _options()
    _prepare()
    chosen = options.works or (IN_A_HURRY if options.quick else list(WORKS))
    scale = QUICK if options.quick else FULL
    before = busy()
    results = [_measured(name, scale) for name in chosen]
    kind = "make bench-quick: fewer users, one round" if options.quick else "make bench"
    load = (
        f"load average {before:.1f} before, {busy():.1f} after; above 2, others had the cores too"
    )
    written = report.write(options.into, results, kind=kind, busy=load)
    print(f"\nSee {written}")
    failed = any(result.failed for result in results)
    return 1 if failed or (options.strict and _missed(results)) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("works", nargs="*", choices=[[], *WORKS], help="all of them without any")
    parser.add_argument("--quick", action="store_true", help="roughly, in under two minutes")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    parser.add_argument("--into", type=Path, default=HERE, help="folder of RESULTS.md")
    return parser.parse_args()


def _prepare() -> None:
    """Raise the limit of descriptors, install the peers from npm, and check requirements."""
    if find_spec("matplotlib") is None:
        sys.exit("The plots need matplotlib: `make bench` installs it.")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if not (PEERS / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-fund", "--no-audit", "--silent"], cwd=PEERS, check=True)


def _measured(name: str, scale: Scale) -> Result:
    print(f"\n== {name}", flush=True)
    begun = time.perf_counter()
    try:
        result = WORKS[name](scale)
    except LoadFailed as error:
        result = Result(notes=[f"**{name} has no figures**: {error}"], failed=True)
        print(f"  FAILED {error}")
    for goal in result.goals:
        verdict = "ok  " if goal.is_reached else "MISS"
        print(f"  {verdict} {goal.work}: {goal.measured} ({goal.wanted})")
    print(f"  took {time.perf_counter() - begun:.0f} s", flush=True)
    return result


def _missed(results: list[Result]) -> bool:
    return not all(goal.is_reached for result in results for goal in result.goals)


if __name__ == "__main__":
    sys.exit(main())

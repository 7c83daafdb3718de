"""Runs the load generator, a C program, and parses its results.

It is in C because it receives and checks every message on every connection, and must not be the
bottleneck.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.contenders import Running
from benchmarks.machine import LOAD_CORE, pinned

SOURCES = Path(__file__).parent / "load"
BUILT = SOURCES / "build"


class LoadFailed(Exception):
    """Messages were lost, duplicated, out of order or rejected, or the load did not end."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies in microseconds."""

    p50: float
    p99: float
    p999: float
    max: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Results of the measured time. `whole`: latency until the last member received a message."""

    seconds: float
    messages: int
    deliveries: int
    server_cpu: float
    load_cpu: float
    connect_seconds: float
    connect_cpu: float
    latency: Latency
    whole: Latency

    @property
    def messages_per_second(self) -> float:
        return self.messages / self.seconds

    @property
    def deliveries_per_second(self) -> float:
        return self.deliveries / self.seconds

    @property
    def cpu_per_million(self) -> float:
        """Return the CPU seconds of the server for a million deliveries."""
        return self.server_cpu / max(self.deliveries, 1) * 1e6

    @property
    def load_share(self) -> float:
        """Return the utilization of the load's core: near 1 the load was the bottleneck."""
        return self.load_cpu / self.seconds


def build(program: str = "load") -> Path:
    """Return the program, after compiling it if its sources are newer."""
    BUILT.mkdir(exist_ok=True)
    target = BUILT / program
    sources = sorted(SOURCES.glob("*.[ch]"))
    if not target.exists() or target.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        parts = PROGRAMS[program]
        files = [str(SOURCES / f"{part}.c") for part in parts]
        compiler = os.environ.get("CC", "gcc")
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(target), *files], check=True)
    return target


PROGRAMS = {"load": ["load", "options", "check", "line"], "blast": ["blast", "check"]}


def run(running: Running, **options: float | bool) -> Outcome:
    """Load a server. Options are those of the program: see `load/options.h`.

    Raises LoadFailed if received messages were wrong.
    """
    with _command(running, options) as command:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return outcome(running.name, done.returncode, done.stdout)


def outcome(name: str, code: int, output: str) -> Outcome:
    """Parse the program's last line. Raises LoadFailed."""
    lines = output.splitlines()
    if code or not lines:
        raise LoadFailed(f"{name}: code {code}, {lines[-1] if lines else 'no answer'}")
    report: dict[str, Any] = json.loads(lines[-1])
    report.pop("faults")
    latency, whole = Latency(**report.pop("latency")), Latency(**report.pop("whole"))
    return Outcome(**report, latency=latency, whole=whole)


@contextmanager
def held(running: Running, **options: float | bool) -> Iterator[None]:
    """Keep all users connected and idle during the context."""
    held_options = options | {"hold": True, "seconds": 0, "warm": 0}
    with _command(running, held_options) as command, _talking(command) as load:
        assert load.stdin is not None
        assert load.stdout is not None
        if load.stdout.readline().strip() != "ready":
            raise LoadFailed(f"{running.name}: not all users connected")
        yield
        load.stdin.close()


def _talking(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def _command(running: Running, options: dict[str, float | bool]) -> Iterator[list[str]]:
    with TemporaryDirectory() as folder:
        users = Path(folder) / "users"
        users.write_text("".join(f"{p.name} {p.token} {p.room}\n" for p in running.users))
        facts = {
            "port": running.port,
            "protocol": running.protocol,
            "pid": running.pid,
            "users": len(running.users),
            "list": users,
            "echo": running.echo,
        }
        yield pinned(LOAD_CORE, [str(build()), *_flags(facts | options)])


def _flags(options: dict[str, Any]) -> Iterator[str]:
    for key, value in options.items():
        if value is True:
            yield f"--{key}"
        elif value is not False:
            yield f"--{key}={value}"

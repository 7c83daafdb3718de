"""Results of the faults, as the table in docs/guarantees.md. Only `make faults` writes it."""

import os
import platform
import re
import sqlite3
import subprocess
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp

from tests.faults.conversation import Talk
from tests.rig.server import find

PAGE = Path(__file__).parent.parent.parent / "docs" / "guarantees.md"
BEGIN, END = "<!-- make faults -->\n", "<!-- /make faults -->\n"
WHOLE = os.environ.get("FAULTS") == "whole"
TOOLS = {  # program → Debian package
    "mariadbd": "mariadb-server-core",
    "fiu-ctrl": "fiu-utils",
    "faketime": "faketime",
    "iptables": "iptables",
    "mkfs.ext4": "e2fsprogs",
}

T = TypeVar("T")


def whole(many: T, few: T) -> T:
    """Return `many` for `make faults`, and `few` for `make test`, which has less time."""
    return many if WHOLE else few


@dataclass
class Report:
    """A line for each fault, and the sum of the eight counts."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)  # guarantee, fault, figure
    counts: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    welcomes: int = 0

    def sound(self, promise: str, fault: str, figure: str, *talks: Talk) -> None:
        """Assert that these talks kept all guarantees, and record the measured `figure`."""
        for talk in talks:
            assert talk.verdict.sound, str(talk.verdict)
            assert talk.unanswered == 0
            assert set(talk.refusals) <= {"unavailable", "rate_limited"}, talk.refusals
            self.counts.update(talk.verdict.counts)
            self.answered += talk.answered
            self.welcomes += talk.welcomes
        answered = sum(talk.answered for talk in talks)
        summary = f"{answered:,} confirmed, none lost" if talks else ""
        self.lines.append((promise, fault, "; ".join(filter(None, [summary, figure]))))
        print(*self.lines[-1], sep=" · ")

    def __str__(self) -> str:
        rows = sorted(self.lines, key=lambda line: _order(line[0]))
        return "\n".join(
            [
                _wrapped(
                    f"{datetime.now(UTC):%Y-%m-%d}, {_machine()}. {self.answered:,} messages"
                    f" confirmed, {self.welcomes:,} connections opened. {self._sums()}."
                ),
                "",
                "| promise | fault | result |",
                "|---|---|---|",
                *(f"| {promise} | {fault} | {figure} |" for promise, fault, figure in rows),
                "",
                _wrapped(f"With {_versions()}."),
                "",
            ]
        )

    def _sums(self) -> str:
        return ", ".join(f"{n.replace('_', ' ')} {count}" for n, count in self.counts.items())

    def publish(self) -> None:
        """Write the report into the page, between its marks."""
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{self}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _order(promise: str) -> tuple[int, str]:
    """Sort key that puts G6b between G6 and G7."""
    first = promise.split(",", maxsplit=1)[0].removeprefix("G")
    number = first.rstrip("ab")
    return int(number), first.removeprefix(number)


def _machine() -> str:
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"model name\s*: (.*)", facts)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}"
    return f"{cores}, {memory:.0f} GiB, Linux {platform.release()}"


def _versions() -> str:
    own = [
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"aiohttp {aiohttp.__version__}",
    ]
    return ", ".join([*own, *(_version(*tool) for tool in TOOLS.items())])


def _version(program: str, package: str) -> str:
    if find(program) is None:
        return f"no {program}"
    asked = ["dpkg-query", "-W", "-f", "${Version}", package]
    known = subprocess.run(asked, check=False, capture_output=True, text=True)
    return f"{package} {known.stdout or '(version unknown)'}"


Sound = Callable[..., None]

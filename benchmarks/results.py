"""Results of benchmarks: figures, goals, tables and plots. Arithmetic only."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and its bound; `at_least`: a minimum, otherwise a maximum."""

    work: str
    figure: float
    bound: float
    unit: str = ""
    at_least: bool = False
    reason: str = ""  # why it is missed, where that is known

    @property
    def is_reached(self) -> bool:
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    @property
    def wanted(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {shown(self.bound)} {self.unit}".rstrip()

    @property
    def measured(self) -> str:
        return f"{shown(self.figure)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart with one bar for each name."""

    title: str
    unit: str
    values: dict[str, float]


@dataclass(slots=True)
class Result:
    """Results of one benchmark."""

    goals: list[Goal] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    bars: list[Bars] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False  # received messages were wrong, so there are no figures


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """Return the range of the values as a fraction of their median."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return our median as a multiple of theirs, both of the same run."""
    return median(ours) / median(theirs) if median(theirs) else float("inf")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def shown(value: float) -> str:
    """Return a figure with three significant digits."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"

"""What a work found: figures held against goals, tables and curves. Arithmetic only."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure and its bound; `at_least`: it must not be below it, else not above."""

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
    """A plot: one bar for each name."""

    title: str
    unit: str
    values: dict[str, float]


@dataclass(slots=True)
class Result:
    """All that one work found."""

    goals: list[Goal] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    bars: list[Bars] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failed: bool = False  # what arrived was wrong, so there are no figures


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> float:
    """How far the rounds lie apart, as a share of the middle one."""
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Our median as a multiple of theirs; both of the same run."""
    return median(ours) / median(theirs) if median(theirs) else float("inf")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def shown(value: float) -> str:
    """A figure with three digits that mean something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"

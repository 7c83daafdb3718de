"""Writes RESULTS.md and its plots: figures, machine and missed goals."""

import datetime
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import description
from benchmarks.results import Bars, Goal, Result, Table

COLOURS = {True: "#2f6f4f", False: "#b9b9b9"}  # ours, theirs


def write(folder: Path, results: Sequence[Result], *, kind: str, busy: str) -> Path:
    """Write RESULTS.md and plots to that folder."""
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    bars = [bar for result in results for bar in result.bars]
    pictures = [_plot(plots, number, bar) for number, bar in enumerate(bars, start=1)]
    target = folder / "RESULTS.md"
    target.write_text(text(results, pictures, kind=kind, busy=busy), encoding="utf-8")
    return target


def text(results: Sequence[Result], pictures: Sequence[str], *, kind: str, busy: str) -> str:
    """Return the report as Markdown."""
    goals = [goal for result in results for goal in result.goals]
    reached = sum(goal.is_reached for goal in goals)
    today = datetime.datetime.now(datetime.UTC).date()
    summary = (
        f"{today}. {reached} of {len(goals)} goals reached. How it is measured: "
        "[docs/performance.md](../docs/performance.md)."
    )
    parts = [
        f"# Results of {kind}",
        summary,
        "\n".join(f"* {line}" for line in [*description(), busy]),
        "## Goals",
        _goals(goals),
        *(section for result in results for section in _sections(result)),
        *(f"![{picture}](plots/{picture})" for picture in pictures),
    ]
    return "\n\n".join(parts) + "\n"


def _goals(goals: Sequence[Goal]) -> str:
    rows = [
        [
            goal.work,
            goal.wanted,
            goal.measured,
            *(("yes", "") if goal.is_reached else ("**no**", goal.reason)),
        ]
        for goal in goals
    ]
    return _grid(("work", "goal", "measured", "reached", "if not, why"), rows)


def _sections(result: Result) -> list[str]:
    return [*(_section(table) for table in result.tables), *result.notes]


def _section(table: Table) -> str:
    return f"## {table.title}\n\n{_grid(table.columns, table.rows)}"


def _grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _plot(folder: Path, number: int, bars: Bars) -> str:
    """Draw horizontal bars, ours in colour; return the name of the picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = list(bars.values)[::-1]
    figure, axes = pyplot.subplots(figsize=(8, 0.9 + 0.42 * len(names)), layout="constrained")
    colours = [COLOURS[name.startswith("chatserver")] for name in names]
    drawn = axes.barh(names, [bars.values[name] for name in names], color=colours)
    axes.bar_label(drawn, fmt="{:,.4g}", padding=4)
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(title=bars.title, xlabel=bars.unit)
    name = f"{number:02}.png"
    figure.savefig(folder / name, dpi=110)
    pyplot.close(figure)
    return name

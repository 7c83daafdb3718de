"""Progress of a command, shown on a terminal only."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def bar(label: str, length: int = 0) -> "ProgressBar[int]":
    """Return a progress bar on standard error."""
    hidden = not sys.stderr.isatty()
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)

"""Lists as text for people and as JSON for programs."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import click

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")


def show(
    found: Iterable[dict[str, Any]], line: Callable[[dict[str, Any]], str], *, as_json: bool
) -> None:
    """Print every entry: as one JSON list, or a line each."""
    if as_json:
        click.echo(json.dumps(list(found), ensure_ascii=False, indent=2))
        return
    for entry in found:
        click.echo(line(entry))

"""Lists as text for users and as JSON for programs."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
import msgspec

from chatserver.commands.options import loaded, run
from chatserver.config import Settings
from chatserver.data_dir import DataDir

if TYPE_CHECKING:
    from chatserver.storage.engine import Database

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def fetch(path: str, read: Callable[["Database"], Awaitable[Any]]) -> list[dict[str, Any]]:
    """Return a list from the running server, or read from its database."""
    return run(_fetch(loaded().settings, path, read))


async def _fetch(
    settings: Settings, path: str, read: Callable[["Database"], Awaitable[Any]]
) -> list[dict[str, Any]]:
    from chatserver.commands.control import control, is_running, reading

    found: list[dict[str, Any]]
    if is_running(DataDir(settings.data)):
        async with control(settings, create_database=False) as server:
            found = (await server.request("GET", path))[path.rpartition("/")[2]]
            return found
    async with reading(settings) as database:
        found = msgspec.to_builtins(await read(database))
        return found


def show(
    found: Iterable[dict[str, Any]], line: Callable[[dict[str, Any]], str], *, as_json: bool
) -> None:
    """Print all entries, as one JSON list or one line each."""
    if as_json:
        show_json(list(found))
        return
    for entry in found:
        click.echo(line(entry))


def show_json(found: Any) -> None:
    click.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))

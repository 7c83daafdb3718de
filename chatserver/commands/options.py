"""Options and settings that all commands share, and their requests to the server."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from chatserver.config_sources import Loaded, load

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def _keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None:
        ctx.find_root().ensure_object(dict)[parameter.name] = value


def _option(*names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, callback=_keep, expose_value=False, **settings)


def location_options(command: F) -> F:
    """Add the options for the location of the data, allowed before and after every command."""
    for option in (
        _option(
            "--database", metavar="URL", help="sqlite:///path or mysql://user:password@host/name"
        ),
        _option("--data", metavar="FOLDER", help="The data folder (default: ./chatserver-data)."),
        _option("--config", metavar="FILE", help="The configuration (default: ./config.toml)."),
    ):
        command = option(command)
    return command


def serve_options(command: F) -> F:
    """Add the options for the addresses to listen on."""
    for option in (
        click.option("--lan", is_flag=True, help="Listen on all addresses; show the LAN address."),
        _option("--verbose", is_flag=True, default=None, help="Log every request and refusal."),
        _option("--unix-socket", metavar="FILE", help="Listen on this Unix socket instead."),
        _option("--port", type=click.IntRange(0, 65_535), help="The port (default: 3000)."),
        _option("--host", help="The address to listen on (default: 127.0.0.1)."),
    ):
        command = option(command)
    return location_options(command)


def loaded() -> Loaded:
    """Return the settings of this call, after printing warnings.

    A file that was found once has to be there when the settings are read again.
    """
    given = click.get_current_context().find_root().ensure_object(dict)
    config = Path(given["config"]) if "config" in given else None
    flags = {
        "data": given.get("data"),
        "database.url": given.get("database"),
        "server.host": given.get("host"),
        "server.port": given.get("port"),
        "server.unix_socket": given.get("unix_socket"),
        "server.log_level": "debug" if "verbose" in given else None,
    }
    found = load(config=config, flags=flags)
    if found.file is not None:
        given["config"] = str(found.file)
    for warning in found.warnings:
        click.echo(f"Warning: {warning}", err=True)
    return found


def run(work: Awaitable[T]) -> T:
    async def main_task() -> T:
        return await work

    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(main_task())


def _loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def request(
    method: str, path: str, body: dict[str, Any] | None = None, *, create_database: bool = False
) -> Any:
    """Send a request to the running server, or to one run for this command: see `control`."""
    from chatserver.commands.control import control

    settings = loaded().settings

    async def work() -> Any:
        async with control(settings, create_database=create_database) as server:
            return await server.request(method, path, body)

    return run(work())

"""Commands for the installation: database revision, health, configuration."""

import sys
from typing import Any

import click

from chatserver.commands import listing
from chatserver.commands.options import loaded, location_options, request, run
from chatserver.config import SECRETS, shown
from chatserver.config_sources import all_keys
from chatserver.errors import ChatServerError

SIGNS = {True: "ok  ", False: "FAIL", None: "warn"}  # of findings


@click.command()
@location_options
def migrate() -> None:
    """Upgrade the database to this program's revision. The server does so at its start."""
    from chatserver.storage.migrate import HEAD

    ready = request("GET", "/readyz", create_database=True)
    if ready["revision"] != HEAD:
        raise ChatServerError(
            f"Nothing was changed: a server of another version runs, and the database has its"
            f" revision {ready['revision']}. This program needs {HEAD}: restart the server with it."
        )
    click.echo(f"The database ({ready['database']}) is at revision {ready['revision']}.")


@click.command()
@location_options
def ready() -> None:
    """Ask the running server whether it can store messages; exit code 2 when not.

    It is asked through the data folder, so address, port and TLS do not matter.
    """
    from chatserver.commands.control import is_running
    from chatserver.data_dir import DataDir

    if not is_running(DataDir(loaded().settings.data)):
        raise ChatServerError("No server runs on this data folder.")
    status = request("GET", "/readyz")
    click.echo(f"Ready. Database: {status['database']}, durability: {status['durability']}.")


@click.command()
@listing.as_json
@location_options
def doctor(*, as_json: bool) -> None:
    """Check this installation; exit code 1 if a check fails, 0 if there are only warnings."""
    from chatserver.commands.doctor import examine

    findings = [{"ok": sound, "text": text} for sound, text in run(examine(loaded().settings))]

    def line(found: dict[str, Any]) -> str:
        return f"{SIGNS[found['ok']]}  {found['text']}"

    listing.show(findings, line, as_json=as_json)
    sys.exit(1 if any(found["ok"] is False for found in findings) else 0)


@click.group()
def config() -> None:
    """Show and check the configuration."""


@config.command("show")
@listing.as_json
@location_options
def config_show(*, as_json: bool) -> None:
    """List every key with its value and source; passwords are masked."""
    found = loaded()
    values: dict[str, Any] = {"data": found.settings.data}
    for dotted in all_keys():
        section, key = dotted.split(".")
        value = getattr(getattr(found.settings, section), key)
        values[dotted] = "***" if value and dotted in SECRETS else shown(value)

    def line(entry: dict[str, Any]) -> str:
        value = entry["value"] if entry["key"] == "data" else repr(entry["value"])
        return f"{entry['key']} = {value}  # {entry['source']}"

    listing.show(
        (
            {"key": key, "value": value, "source": found.sources.get(key, "default")}
            for key, value in values.items()
        ),
        line,
        as_json=as_json,
    )


@config.command("check")
@location_options
def config_check() -> None:
    """Check the configuration and list all errors."""
    from chatserver.data_dir import DataDir
    from chatserver.files.stores import file_store
    from chatserver.storage.engine import Database
    from chatserver.tls import server_context

    settings = loaded().settings
    server_context(settings.server)
    Database(settings.database_url)  # opens nothing, and refuses options that it does not know
    file_store(DataDir(settings.data), settings.files)  # opens nothing
    click.echo("The configuration is fine.")


COMMANDS = (migrate, ready, doctor, config)

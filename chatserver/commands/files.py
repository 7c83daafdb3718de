"""`chatserver files …`: copies files between the data folder and a bucket."""

import sys

import click
from msgspec.structs import replace

from chatserver.binding import Binding
from chatserver.clocks import wall
from chatserver.commands.options import loaded, location_options, run
from chatserver.commands.plurals import counted
from chatserver.commands.progress import bar
from chatserver.config import HINTS, Settings, validated
from chatserver.data_dir import DataDir
from chatserver.errors import StartError
from chatserver.files.transfer import Transferred, transfer

FOLDER = "folder"  # the target that is the data folder


@click.group()
def files() -> None:
    """Manage the files of messages."""


@files.command("copy")
@click.argument("target")
@location_options
def files_copy(target: str) -> None:
    """Copy all files to TARGET: a URL like s3://bucket/prefix, or `folder` for the data folder.

    Files that are there with the right checksum are left out, so it can be interrupted and
    repeated. While the server runs, files that are sent in the meantime may be missing: stop it,
    repeat the command, set files.url to TARGET (or remove it), and start the server. Nothing is
    deleted from where the files were.
    """
    done = run(_copy(loaded().settings, target))
    for fault in done.faults:
        click.echo(fault)
    click.echo(f"Copied {counted(done.copied, 'file')}; {done.present:,} were there.", err=True)
    sys.exit(1 if done.faults else 0)


async def _copy(settings: Settings, target: str) -> Transferred:
    from chatserver.files.stores import opened_store
    from chatserver.storage.engine import Database
    from chatserver.storage.files import FileRegister

    other = _with_target(settings, target)
    Binding(DataDir(settings.data), settings.database_url).require()
    database = Database(settings.database_url, read_only=True)
    try:
        register = FileRegister(database, clock=wall)
        async with opened_store(settings) as source, opened_store(other) as there:
            with bar("Copying", (await register.usage()).files) as shown:
                return await transfer(register, source, there, progress=shown.update)
    finally:
        await database.close()


def _with_target(settings: Settings, target: str) -> Settings:
    url = "" if target == FOLDER else target
    if url == settings.files.url:
        raise StartError("The files are there already: this is the place of files.url.")
    try:
        return validated(replace(settings, files=replace(settings.files, url=url)))
    except StartError:
        raise StartError(f"TARGET is `{FOLDER}`, or: {HINTS['files.url']}.") from None


COMMANDS = (files,)

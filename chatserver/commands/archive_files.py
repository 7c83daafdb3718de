"""Which files of messages are missing after a backup or a restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

from chatserver.clocks import wall
from chatserver.commands.options import run
from chatserver.commands.plurals import counted
from chatserver.config import Settings

if TYPE_CHECKING:
    from chatserver.storage.files import FileRegister


async def count_registered(settings: Settings, missing: list[str]) -> int:
    """Return how many of these files are registered, although their bytes are missing."""
    from chatserver.files.archived_files import still_registered

    if not missing:
        return 0
    async with _register(settings) as register:
        return len(await still_registered(missing, register))


def exit_if_files_are_missing(settings: Settings) -> None:
    """End a restore with exit code 1 if the data came back without files."""
    missing = run(_count_missing(settings))
    if missing:
        raise click.ClickException(
            f"The data are restored, but {counted(missing, 'file')} of messages or accounts are"
            " missing: neither the archive nor the place of the files has them. If another copy of"
            " that place exists, add it; chatserver check names the files."
        )


async def _count_missing(settings: Settings) -> int:
    from chatserver.files.stores import opened_store
    from chatserver.files.verification import missing_ids

    async with _register(settings) as register, opened_store(settings) as store:
        return len(await missing_ids(register, store))


@asynccontextmanager
async def _register(settings: Settings) -> AsyncIterator["FileRegister"]:
    from chatserver.storage.engine import Database
    from chatserver.storage.files import FileRegister

    database = Database(settings.database_url, read_only=True)
    try:
        yield FileRegister(database, clock=wall)
    finally:
        await database.close()

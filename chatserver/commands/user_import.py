"""Import of accounts from a list: `user import FILE.csv`. See user_file.py for its variants."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from chatserver.commands.control import Control, RequestRefused, control
from chatserver.commands.user_file import Row, UserFile
from chatserver.config import Settings
from chatserver.models import name_key

CONCURRENCY = 12  # concurrent requests: fewer than passwords.MAX_QUEUED


async def import_users(settings: Settings, file: Path) -> bool:
    """Create the accounts of a CSV file; return False if any was refused.

    An existing name is not an error, so that the same file can be imported again. Raises
    ChatServerError.
    """
    users = UserFile(file)
    async with control(settings, create_database=False) as server:
        new, existing = _split_new(users.rows, await _names(server))
        users.generate_passwords(new)
        refused = await _add_all(server, new)
    users.remove_passwords([row for row, _ in refused])
    left_out = existing + [f"{row.name}: {reason}" for row, reason in refused]
    for text in left_out:
        click.echo(text, err=True)
    click.echo(f"{len(users.rows) - len(left_out)} created, {len(left_out)} skipped.")
    return not refused


async def _names(server: Control) -> set[str]:
    return {name_key(user["name"]) for user in (await server.request("GET", "/api/users"))["users"]}


def _split_new(rows: Iterable[Row], known: set[str]) -> tuple[list[Row], list[str]]:
    """Return users without an account, each name once, and the reasons for leaving out the
    others.
    """
    new, existing = [], []
    for row in rows:
        if name_key(row.name) in known:
            existing.append(f"{row.name}: that name is taken.")
        else:
            known.add(name_key(row.name))
            new.append(row)
    return new, existing


async def _add_all(server: Control, rows: list[Row]) -> list[tuple[Row, str]]:
    """Create accounts concurrently; return the refused ones, with the reasons.

    Raises TemporaryStartError if nothing can be stored.
    """
    waiting, refused = iter(rows), list[tuple[Row, str]]()
    with click.progressbar(length=len(rows), label="Importing", file=sys.stderr) as bar:

        async def work() -> None:
            for row in waiting:
                if (reason := await _add(server, row)) is not None:
                    refused.append((row, reason))
                bar.update(1)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONCURRENCY):
                    group.create_task(work())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return refused


async def _add(server: Control, row: Row) -> str | None:
    """Create an account; return the error, if any."""
    body = {"username": row.name, "display": row.display, "password": row.password}
    try:
        await server.request("POST", "/api/users", body | {"generated": row.generated})
    except RequestRefused as error:
        return str(error)
    return None

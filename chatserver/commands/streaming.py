"""Long responses, line by line: of a running server, or read from its database."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from chatserver.binding import Binding
from chatserver.commands.control import Control, connected, is_running, reading
from chatserver.config import Settings
from chatserver.data_dir import DataDir

if TYPE_CHECKING:
    from chatserver.storage.engine import Database


async def archive(settings: Settings) -> AsyncGenerator[list[bytes]]:
    """Yield batches of lines of an archive, with line ends. Close it with `aclosing`.

    Raises TemporaryStartError if the response breaks off.
    """

    def dumped(database: "Database") -> AsyncGenerator[bytes]:
        from chatserver.storage.archive_io import dump

        return dump(database, now=time.time_ns() // 1_000_000)

    async for some in _answer(settings, "/api/keeping/archive", dumped):
        yield some


async def check(settings: Settings) -> AsyncGenerator[list[bytes]]:
    """Yield a line for each step of a check, then the totals. Close it with `aclosing`."""

    def checked(database: "Database") -> AsyncGenerator[bytes]:
        from chatserver.files.stores import opened_store
        from chatserver.files.verification import file_findings
        from chatserver.storage.file_origins import FileOrigins
        from chatserver.storage.files import FileRegister
        from chatserver.storage.integrity import report

        async def of_files() -> list[str]:
            async with opened_store(settings) as store:
                register = FileRegister(database, clock=lambda: 0)
                return await file_findings(register, store, FileOrigins(database))

        return report(database, of_files)

    async for some in _answer(settings, "/api/keeping/check", checked):
        yield some


async def _answer(
    settings: Settings, path: str, read: Callable[["Database"], AsyncGenerator[bytes]]
) -> AsyncIterator[list[bytes]]:
    folder = DataDir(settings.data)
    if is_running(folder):
        Binding(folder, settings.database_url).check()
        async with connected(folder) as server:
            await _warn_of_other_version(server)
            async with aclosing(server.stream(path)) as pieces:
                async for lines in _lines(pieces):
                    yield lines
        return
    async with reading(settings) as database, aclosing(read(database)) as pieces:
        async for piece in pieces:
            yield piece.splitlines(keepends=True)


async def _warn_of_other_version(server: Control) -> None:
    """A copy of the data must stay possible before the restart that upgrades the database."""
    if other := await server.other_version():
        click.echo(f"Warning: {other}", err=True)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[list[bytes]]:
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield [line + b"\n" for line in whole]

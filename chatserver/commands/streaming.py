"""Long answers, line by line as they come: of a running server, or read from its database."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

import aiohttp

from chatserver.binding import Binding
from chatserver.config import Settings
from chatserver.control import Refused, is_running, reading
from chatserver.folder import DataFolder, control_address

if TYPE_CHECKING:
    from chatserver.storage.engine import Database


async def archive(settings: Settings) -> AsyncGenerator[list[bytes]]:
    """The lines of a plain archive, with their ends, some at a time. Leave it with `aclosing`.

    An answer that breaks off lacks lines at its end: the reader knows the last one.
    """

    def dumped(database: "Database") -> AsyncGenerator[bytes]:
        from chatserver.storage.archive import dump

        return dump(database, now=time.time_ns() // 1_000_000)

    async for some in _answer(settings, "/api/keeping/archive", dumped):
        yield some


async def check(settings: Settings) -> AsyncGenerator[list[bytes]]:
    """A line for each step of a check, and one with the totals. Leave it with `aclosing`."""

    def checked(database: "Database") -> AsyncGenerator[bytes]:
        from chatserver.storage.check import report

        return report(database)

    async for some in _answer(settings, "/api/keeping/check", checked):
        yield some


async def _answer(
    settings: Settings, path: str, read: Callable[["Database"], AsyncGenerator[bytes]]
) -> AsyncIterator[list[bytes]]:
    folder = DataFolder(settings.data)
    Binding(folder, settings.database_url).check()
    if is_running(folder):
        with control_address(folder.control) as address:
            async for some in _lines(address, path):
                yield some
        return
    async with reading(settings) as database, aclosing(read(database)) as pieces:
        async for piece in pieces:
            yield piece.splitlines(keepends=True)


async def _lines(address: str, path: str) -> AsyncGenerator[list[bytes]]:
    rest = b""
    connector = aiohttp.UnixConnector(path=address)
    patience = aiohttp.ClientTimeout(total=None)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=patience) as http,
            http.get(f"http://localhost{path}") as response,
        ):
            if response.status != 200:
                raise Refused((await response.json())["data"])
            async for piece in response.content.iter_any():
                *whole, rest = (rest + piece).split(b"\n")
                yield [line + b"\n" for line in whole]
    except aiohttp.ClientError:
        return

"""Long answers of the server, line by line as they come."""

from collections.abc import AsyncGenerator

import aiohttp

from chatserver.config import Settings
from chatserver.control import Refused, control
from chatserver.folder import DataFolder, control_address


async def lines(settings: Settings, path: str) -> AsyncGenerator[list[bytes]]:
    """Whole lines, with their ends, some at a time. Leave it with `aclosing`.

    From the running server of this data folder, or from one that runs for this question. When it
    breaks off, lines are missing at the end: whoever reads knows the last one.

    Raises Refused where no chat is: a new and empty one would look like a sound answer.
    """
    if not settings.database.url and DataFolder(settings.data).is_vacant:
        raise Refused(f"There is no chat in {settings.data.absolute()}. Name its folder: --data.")
    async with control(settings):
        with control_address(DataFolder(settings.data).control) as address:
            async for some in _lines(address, path):
                yield some


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

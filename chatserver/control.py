"""How a command reaches the data: through the Unix socket of a running server, or by itself.

Only one process may write a SQLite file. So a command asks the server that runs; when none does,
it starts the same application for as long as it takes, under the same lock, on the same socket.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from chatserver.config import Settings
from chatserver.errors import ChatServerError
from chatserver.folder import DataFolder, control_address


class Refused(ChatServerError):
    """The server said no, in one sentence."""


class Control:
    """Asks for things over the Unix socket, with the rights of the folder's owner."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON answer. Raises Refused with the server's sentence."""
        try:
            async with self._http.request(method, f"http://localhost{path}", json=body) as response:
                answer = await response.json()
        except aiohttp.ClientError:
            raise Refused("The server stopped before it answered. Try again.") from None
        if not answer.get("ok"):
            raise Refused(answer.get("data", "The server did not say why."))
        return answer


@asynccontextmanager
async def control(settings: Settings) -> AsyncIterator[Control]:
    """A line to the running server of this data folder, or to one that runs for this command."""
    folder = DataFolder(settings.data)
    if _is_running(folder):
        async with _line(folder) as line:
            yield line
        return
    from chatserver.serve import running

    async with running(settings), _line(folder) as line:
        yield line


@asynccontextmanager
async def _line(folder: DataFolder) -> AsyncIterator[Control]:
    with control_address(folder.control) as path:
        connector = aiohttp.UnixConnector(path=path)
        async with aiohttp.ClientSession(connector=connector) as http:
            yield Control(http)


def _is_running(folder: DataFolder) -> bool:
    if not folder.control.exists():
        return False
    with socket.socket(socket.AF_UNIX) as probe, control_address(folder.control) as path:
        return probe.connect_ex(path) == 0

"""Control socket of the operator: the same routes on a Unix socket in the data folder.

Owns that socket for as long as the application runs, wherever it is mounted.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from chatserver import __version__
from chatserver.data_dir import VERSION_HEADER, control_address
from chatserver.errors import StartError
from chatserver.web.access_log import AccessLog
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.server_urls import ServerUrls

SHUTDOWN_TIMEOUT = 3.0  # seconds for open requests to finish


class ControlSocket:
    """Serves its own application, because a mounted one has its prefix in every route."""

    def __init__(
        self,
        app: web.Application,
        path: Path,
        authenticator: RequestAuthenticator,
        urls: ServerUrls,
    ) -> None:
        """`app` has the routes, and no start-up or shutdown handlers."""
        app.on_response_prepare.append(_name_version)
        self._runner = web.AppRunner(
            app,
            access_log_class=AccessLog,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            auto_decompress=False,
        )
        self._path = path
        self._authenticator = authenticator
        self._urls = urls
        self._listener: asyncio.AbstractServer | None = None
        self._closing: asyncio.Task[None] | None = None

    async def running(self, outer: web.Application) -> AsyncIterator[None]:
        """Listen as long as `outer`, the public application, runs."""
        await self._runner.setup()
        self._urls.mount_path = str(outer.router["home"].url_for()).rstrip("/")
        with control_address(self._path) as path:
            await self._listen(path)
            self._authenticator.control_path = path
        yield
        await (self._closing or self._close())

    async def stopping(self, _outer: web.Application) -> None:
        """Stop accepting connections; let open requests finish."""
        self._closing = asyncio.create_task(self._close())

    async def _listen(self, path: str) -> None:
        listening = _bound_privately(path)
        self._listener = await asyncio.get_running_loop().create_unix_server(
            self._runner.server,  # type: ignore[arg-type]  # set up it has one
            sock=listening,
        )

    async def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()


async def _name_version(_request: web.Request, response: web.StreamResponse) -> None:
    """Name this program's version, which commands of another version refuse."""
    response.headers[VERSION_HEADER] = __version__


def _bound_privately(path: str) -> socket.socket:
    """Bind a socket that only the operator can open from the start. Raises StartError.

    The umask applies to the whole process, so there must be no `await` here, unlike in
    web.UnixSite: files created by other tasks would become inaccessible too.
    """
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        Path(path).unlink(missing_ok=True)
        listening.bind(path)
    except OSError as error:
        listening.close()
        raise StartError(
            f"The data folder cannot hold a Unix socket: {error.strerror}. FAT, NTFS and some"
            f" network file systems have none: choose another folder with --data."
        ) from None
    finally:
        os.umask(before)
    return listening

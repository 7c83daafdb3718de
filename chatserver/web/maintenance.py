"""Archive and check of all data, for the operator only.

Both stream lines of JSON while the server runs. An aborted stream lacks its last line.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

from aiohttp import web

from chatserver.errors import Forbidden
from chatserver.storage.archive_io import dump
from chatserver.storage.engine import Database
from chatserver.storage.integrity import report
from chatserver.web import time_limit
from chatserver.web.access_log import route
from chatserver.web.authentication import Sessions
from chatserver.web.spool import spooled

WRITE_TIMEOUT = 60.0  # seconds for the client to read a chunk

logger = logging.getLogger(__name__)


class Maintenance:
    """Handlers for the commands `backup`, `export` and `check`."""

    def __init__(
        self, database: Database, sessions: Sessions, *, folder: Path, now: Callable[[], int]
    ) -> None:
        """`folder` holds what slow clients have not read yet; `now` returns milliseconds UTC."""
        self._database = database
        self._sessions = sessions
        self._folder = folder
        self._now = now

    async def archive(self, request: web.Request) -> web.StreamResponse:
        """Send an archive of the current data (see chatserver/storage/archive_file.py)."""
        self._require_operator(request)
        copy = dump(self._database, now=self._now())
        return await stream_response(request, spooled(copy, self._folder))

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Send a line with `of` and `findings` for each step, then the totals."""
        self._require_operator(request)
        return await stream_response(request, spooled(report(self._database), self._folder))

    def _require_operator(self, request: web.Request) -> None:
        if not self._sessions.is_operator(request):
            raise Forbidden


async def stream_response(
    request: web.Request, pieces: AsyncGenerator[bytes], content_type: str = "application/jsonl"
) -> web.StreamResponse:
    """Send chunks as they are produced. An aborted response lacks the end of its body."""
    time_limit.lift(request)
    response = web.StreamResponse()
    response.content_type = content_type
    await response.prepare(request)
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    await response.write(piece)
    except ConnectionError:
        pass  # the client has disconnected
    except Exception:  # too late for an error response: the client must see that data is missing
        logger.exception("a streamed response failed", extra={"route": route(request)})
        if request.transport is not None:
            request.transport.abort()
    return response

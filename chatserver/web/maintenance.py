"""The whole of the data, for the owner of the data folder alone: a copy of it, and a check.

Both stream lines of JSON while the server goes on. A stream that breaks off lacks its last line.
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

PATIENCE = 60.0  # seconds for the client to take a piece

logger = logging.getLogger(__name__)


class Maintenance:
    """What `backup`, `export` and `check` ask a server for."""

    def __init__(
        self, database: Database, sessions: Sessions, *, folder: Path, now: Callable[[], int]
    ) -> None:
        """`folder` takes what slow readers have not taken yet; `now` gives milliseconds UTC."""
        self._database = database
        self._sessions = sessions
        self._folder = folder
        self._now = now

    async def archive(self, request: web.Request) -> web.StreamResponse:
        """A plain archive of this moment (see chatserver/storage/archive_file.py)."""
        self._owner(request)
        copy = dump(self._database, now=self._now())
        return await streamed(request, spooled(copy, self._folder))

    async def check(self, request: web.Request) -> web.StreamResponse:
        """A line a step with `of` and `findings`, and at the end the totals."""
        self._owner(request)
        return await streamed(request, spooled(report(self._database), self._folder))

    def _owner(self, request: web.Request) -> None:
        if not self._sessions.is_owner(request):
            raise Forbidden


async def streamed(
    request: web.Request, pieces: AsyncGenerator[bytes], content_type: str = "application/jsonl"
) -> web.StreamResponse:
    """Send pieces as they are made. A stream that breaks off ends without the end of its body."""
    time_limit.lift(request)
    response = web.StreamResponse()
    response.content_type = content_type
    await response.prepare(request)
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                async with asyncio.timeout(PATIENCE):
                    await response.write(piece)
    except ConnectionError:
        pass  # whoever asked is gone
    except Exception:  # too late for a refusal: whoever reads must see that this is not the end
        logger.exception("a stream broke off", extra={"route": route(request)})
        if request.transport is not None:
            request.transport.abort()
    return response

"""Responses with the content of a file on another machine, as it arrives from there."""

import asyncio
from contextlib import aclosing

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from chatserver.files.pace import Pace
from chatserver.files.store import RemoteFile

NOT_SATISFIABLE = web.HTTPRequestRangeNotSatisfiable.status_code
PARTIAL = web.HTTPPartialContent.status_code


class RemoteBody(web.StreamResponse):
    """A remote file, or the range of it that the request wants."""

    def __init__(
        self, file: RemoteFile, tag: str, headers: dict[str, str], *, min_rate: int, window: float
    ) -> None:
        """`min_rate`: bytes per second that the client has to read in each window (seconds)."""
        super().__init__(headers=headers | {"ETag": f'"{tag}"', "Accept-Ranges": "bytes"})
        self._file = file
        self._pace = Pace(min_rate, window)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the file. Raises Unavailable, with an unprepared response if nothing was sent."""
        if self.prepared:
            return None
        start, end = self._range(request)
        self.content_length = end - start
        if request.method == "HEAD" or start == end:
            return await super().prepare(request)
        async with aclosing(self._file.read(start, end)) as pieces:
            first = await anext(pieces)  # a failure can still be answered
            writer = await super().prepare(request)
            await self._send(first)
            async for piece in pieces:
                await self._send(piece)
        await self.write_eof()
        return writer

    def _range(self, request: web.BaseRequest) -> tuple[int, int]:
        """Return the first byte to send and the end, and set the status."""
        size = self._file.size
        condition = request.headers.get("If-Range")
        if condition is not None and condition.strip() != self.headers["ETag"]:
            return 0, size
        try:
            wanted = request.http_range
        except ValueError:
            return self._not_satisfiable()
        if wanted.start is None and wanted.stop is None:
            return 0, size
        start, end, _step = wanted.indices(size)
        if start >= end:
            return self._not_satisfiable()
        self.set_status(PARTIAL)
        self.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return start, end

    def _not_satisfiable(self) -> tuple[int, int]:
        self.set_status(NOT_SATISFIABLE)
        self.headers["Content-Range"] = f"bytes */{self._file.size}"
        return 0, 0

    async def _send(self, piece: bytes) -> None:
        async with asyncio.timeout_at(self._pace.deadline):
            await self.write(piece)
        self._pace.count(len(piece))

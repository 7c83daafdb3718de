"""Responses with the content of a file: headers, ranges, conditions (RFC 9110).

A download is cut off when its reader is too slow, or when the user may not read the file any more:
that is checked again every few seconds.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from chatserver.errors import ChatError, FilesUnavailable, NotFound
from chatserver.file_state import UNKNOWN_TYPE
from chatserver.files.pace import Pace
from chatserver.files.store import RemoteFile
from chatserver.files.types import INLINE, TEXT
from chatserver.storage.failures import storage_error
from chatserver.web import time_limit
from chatserver.web.access_log import route
from chatserver.web.authentication import Check, check_again
from chatserver.web.remote_body import RemoteBody
from chatserver.web.socket_sender import SEND_BYTES, SocketSender, can_send, download_threads

# Nothing in a file can run, load anything, or be embedded by another site.
POLICY = "sandbox; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"
REVALIDATE = "private, no-cache"  # a deletion takes effect at the next request
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
CONDITIONS = ("If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range")
MIN_RATE = 16_384  # bytes per second that a client has to read
WINDOW = 60.0  # seconds over which that is measured
CHECK_INTERVAL = 5.0  # seconds between two checks that the user may still read the file

logger = logging.getLogger(__name__)


class FileBody(web.FileResponse):
    """A file whose entity tag is given, instead of made from the time of its last change."""

    def __init__(self, path: Path, tag: str, headers: dict[str, str]) -> None:
        super().__init__(path, headers=headers)
        self._tag = f'"{tag}"'
        self.headers["ETag"] = self._tag

    @property
    def etag(self) -> Any:
        return super().etag

    @etag.setter
    def etag(self, value: Any) -> None:
        """Keep the tag: aiohttp sets its own."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the file, or the part that the request wants."""
        if self.prepared:
            return None
        return await super().prepare(self._with_own_conditions(request))

    async def _sendfile(
        self, request: web.BaseRequest, fobj: IO[Any], offset: int, count: int
    ) -> AbstractStreamWriter:
        """Send bytes of the file in pieces. aiohttp would not notice how slowly they are read."""
        writer = await web.StreamResponse.prepare(self, request)
        assert writer is not None  # noqa: S101 - the response was not prepared before
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the connection was closed")
        if can_send(transport):
            await _send_directly(transport, fobj.fileno(), offset, count)
        else:
            await _write(writer, fobj.fileno(), offset, count)
        return writer

    def _with_own_conditions(self, request: web.BaseRequest) -> web.BaseRequest:
        """Return the request without conditions, which aiohttp would compare with its own tag."""
        headers = request.headers.copy()
        condition = headers.get("If-Range")
        if condition is not None and condition.strip() != self._tag:
            headers.popall("Range", None)
        for name in CONDITIONS:
            headers.popall(name, None)
        return request.clone(headers=headers)


async def _send_directly(transport: asyncio.Transport, file: int, start: int, count: int) -> None:
    pace, end = Pace(MIN_RATE, WINDOW), start + count
    with closing(SocketSender(transport)) as sender:
        async with asyncio.timeout_at(pace.deadline):
            await sender.flush()
        while start < end:
            async with asyncio.timeout_at(pace.deadline):
                sent = await sender.send(file, start, min(SEND_BYTES, end - start))
            start += sent
            pace.count(sent)


async def _write(writer: AbstractStreamWriter, file: int, start: int, count: int) -> None:
    pace, end = Pace(MIN_RATE, WINDOW), start + count
    for position in range(start, end, SEND_BYTES):
        size = min(SEND_BYTES, end - position)
        piece = await download_threads.run(os.pread, file, size, position)
        async with asyncio.timeout_at(pace.deadline):
            await writer.write(piece)
        pace.count(size)


async def send_file(
    request: web.Request,
    file: Path | RemoteFile,
    *,
    check: Check,
    tag: str,
    kind: str,
    name: str,
    download: bool = False,
    cache: str = REVALIDATE,
) -> web.StreamResponse:
    """Send a file; browsers may show it in place if its type is harmless.

    `check` raises when the user may not read the file any more; the session is checked here.
    """
    headers = _headers(kind, name, inline=kind in INLINE and not download, cache=cache)
    if _is_known(request, tag):
        return web.Response(status=304, headers=headers | {"ETag": f'"{tag}"'})
    time_limit.lift(request)
    body = _body(file, tag, headers)
    try:
        async with _checking(request, check):
            await body.prepare(request)
    except (FilesUnavailable, NotFound) as error:
        if not body.prepared:
            raise
        _abort(request, error.cause if isinstance(error, FilesUnavailable) else "it was deleted")
    except TimeoutError:
        _abort(request, "the client reads too slowly")
    except ConnectionError:
        pass  # the client has disconnected, or a check has failed
    except OSError as error:  # an error response would be taken for content
        _abort(request, str(error), error)
    return body


def _headers(kind: str, name: str, *, inline: bool, cache: str) -> dict[str, str]:
    content_type = kind if kind in INLINE else UNKNOWN_TYPE
    if content_type == TEXT:
        content_type += "; charset=utf-8"
    return {
        **HEADERS,
        "Cache-Control": cache,
        "Content-Type": content_type,
        "Content-Disposition": disposition(name, inline=inline),
    }


def _body(file: Path | RemoteFile, tag: str, headers: dict[str, str]) -> web.StreamResponse:
    if isinstance(file, Path):
        return FileBody(file, tag, headers)
    return RemoteBody(file, tag, headers, min_rate=MIN_RATE, window=WINDOW)


@asynccontextmanager
async def _checking(request: web.Request, check: Check) -> AsyncIterator[None]:
    """Abort the connection if a check fails while the block runs."""
    checks = asyncio.create_task(_check_repeatedly(request, check))
    try:
        yield
    finally:
        checks.cancel()


async def _check_repeatedly(request: web.Request, check: Check) -> None:
    try:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            await check_again(request)
            await check()
    except Exception as error:  # whatever it is, the user may have lost the right to read the file
        known = storage_error(error)
        _abort(request, str(known), None if isinstance(known, ChatError) else error)


def _abort(request: web.Request, reason: str, bug: Exception | None = None) -> None:
    level = logging.INFO if bug is None else logging.ERROR
    extra = {"route": route(request)}
    logger.log(level, "a download was interrupted: %s", reason, extra=extra, exc_info=bug)
    if request.transport is not None:
        request.transport.abort()


def _is_known(request: web.Request, tag: str) -> bool:
    """Return whether the client has this content already."""
    known = request.headers.get("If-None-Match", "")
    tags = {part.strip().removeprefix("W/") for part in known.split(",")}
    return bool(tags & {f'"{tag}"', "*"})


def disposition(name: str, *, inline: bool) -> str:
    """Return the value of Content-Disposition (RFC 6266, RFC 8187)."""
    kind = "inline" if inline else "attachment"
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

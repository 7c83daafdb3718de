"""Bodies of requests that are stored while they arrive."""

from collections.abc import AsyncIterator

from aiohttp import web

from chatserver.errors import UnsupportedMedia, _
from chatserver.files.pace import Piece
from chatserver.files.part import Incomplete
from chatserver.web import time_limit
from chatserver.web.aiohttp_internals import HttpConnection
from chatserver.web.headers import HttpError

MIN_RECEIVER_BYTES = 2**18  # bytes that are worth the change to `BodyReceiver`


class LengthRequired(HttpError):
    code, status, text = "bad_request", 411, _("Content-Length is required.")


def declared_size(request: web.Request) -> int:
    """Return the length of the body. Raises LengthRequired, UnsupportedMedia."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia(_("The body must not be compressed."))
    if request.content_length is None:
        raise LengthRequired
    return request.content_length


async def body_of(request: web.Request) -> AsyncIterator[Piece]:
    """Yield the body as it arrives, without a time limit. Raises Incomplete if it breaks off.

    A piece cannot be read any more when the next one is requested: an upload that stalls holds no
    memory for it.
    """
    time_limit.lift(request)
    try:
        async for piece in _pieces(request):
            yield piece
    except (web.RequestPayloadError, ConnectionError):
        raise Incomplete from None


async def _pieces(request: web.Request) -> AsyncIterator[memoryview]:
    content, http = request.content, request.protocol
    early = memoryview(b"".join(iter(content.read_nowait, b"")))  # what has arrived, without a wait
    missing = declared_size(request) - content.total_bytes
    later: AsyncIterator[memoryview]
    if isinstance(http, HttpConnection) and missing >= MIN_RECEIVER_BYTES:
        later = http.receive(missing).pieces()
    else:
        later = _parsed(request)
    if early:
        yield early
        early.release()
    async for piece in later:
        yield piece


async def _parsed(request: web.Request) -> AsyncIterator[memoryview]:
    """Yield pieces that aiohttp's parser has copied."""
    while content := await request.content.readany():
        piece = memoryview(content)
        del content
        yield piece
        piece.release()

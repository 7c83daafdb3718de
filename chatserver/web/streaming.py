"""Responses that are sent while they are produced.

Nothing is sent before the first chunk is known, so that an early failure is an ordinary error
response. After that, a failure aborts the response: it lacks the end of its body. So does the end
of the session, because a chunk contains what was stored shortly before.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

from chatserver.errors import Forbidden, Unauthorized, Unavailable
from chatserver.storage.failures import storage_error
from chatserver.web import time_limit
from chatserver.web.access_log import route
from chatserver.web.authentication import check_again

WRITE_TIMEOUT = 60.0  # seconds for the client to read a chunk

logger = logging.getLogger(__name__)


async def stream_response(
    request: web.Request, pieces: AsyncGenerator[bytes], content_type: str = "application/jsonl"
) -> web.StreamResponse:
    """Send chunks as they are produced. Raises what the first one raises."""
    time_limit.lift(request)
    response = web.StreamResponse()
    response.content_type = content_type
    async with aclosing(pieces):
        first = await anext(pieces, b"")
        await response.prepare(request)
        try:
            await _send(response, first)
            async for piece in pieces:
                await check_again(request)
                await _send(response, piece)
        except ConnectionError:
            pass  # the client has disconnected
        except Exception as error:
            _log(error, route(request))
            if request.transport is not None:
                request.transport.abort()
    return response


async def _send(response: web.StreamResponse, piece: bytes) -> None:
    async with asyncio.timeout(WRITE_TIMEOUT):
        await response.write(piece)


def _log(error: Exception, name: str) -> None:
    """Log a failure; only that of a bug has a traceback."""
    extra = {"route": name}
    known = storage_error(error)
    if isinstance(error, Unauthorized | Forbidden):
        logger.info("a streamed response was interrupted: the session has ended", extra=extra)
    elif isinstance(error, TimeoutError):
        logger.warning(
            "a streamed response was interrupted: the client reads too slowly", extra=extra
        )
    elif isinstance(known, Unavailable):
        logger.error("a streamed response was interrupted: %s", known.reason, extra=extra)
    else:
        logger.error("a streamed response failed", extra=extra, exc_info=error)

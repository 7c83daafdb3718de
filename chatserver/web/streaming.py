"""Responses that are sent while they are produced."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import web

from chatserver.web import time_limit
from chatserver.web.access_log import route

WRITE_TIMEOUT = 60.0  # seconds for the client to read a chunk

logger = logging.getLogger(__name__)


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

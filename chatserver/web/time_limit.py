"""Time limit of every request: if the database hangs, the response is `unavailable`.

Work that only reads is cancelled. Work that may change something continues without its caller, so
that what it stores is published and connections are closed; the caller does not learn the outcome.
Owns the tasks that continue.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from chatserver.errors import ChatError, Unavailable, _
from chatserver.web.operations import SAFE_METHODS

TIMEOUT = 10.0  # seconds from the whole request to its response
TIMER = web.RequestKey("timer", asyncio.Timeout)

T = TypeVar("T")

logger = logging.getLogger(__name__)
_abandoned: set[asyncio.Task[object]] = set()


async def run_handler(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the handler's response. Raises Unavailable after TIMEOUT."""
    timer = request[TIMER] = asyncio.timeout(TIMEOUT)
    if request.method in SAFE_METHODS:
        return await run_cancellable(handler(request), timer)
    return await run_shielded(handler(request), timer)


def lift(request: web.Request) -> None:
    """Remove the time limit of a request: to wait for the journal, or for a stream.

    Raises Unavailable if it has timed out already, so that nothing is stored afterwards.
    """
    if TIMER in request:
        try:
            request[TIMER].reschedule(None)
        except RuntimeError:
            raise Unavailable from None


async def run_cancellable(work: Awaitable[T], timer: asyncio.Timeout | None = None) -> T:
    """Run work that only reads. Raises Unavailable after TIMEOUT, and cancels it."""
    timer = timer or asyncio.timeout(TIMEOUT)
    try:
        async with timer:
            return await work
    except TimeoutError:
        if not timer.expired():
            raise
        raise Unavailable(_("The server cannot answer right now. Try again.")) from None


async def run_shielded(work: Awaitable[T], timer: asyncio.Timeout | None = None) -> T:
    """Run work that may change something. Raises Unavailable after TIMEOUT; the work continues."""
    timer = timer or asyncio.timeout(TIMEOUT)
    task = asyncio.ensure_future(_awaited(work))
    try:
        async with timer:
            return await asyncio.shield(task)
    except TimeoutError:
        if not timer.expired():
            raise
        _abandoned.add(task)
        task.add_done_callback(_on_abandoned_done)
        raise Unavailable(
            _("The server did not answer in time. The action may still complete: check first.")
        ) from None
    except asyncio.CancelledError:  # the server is stopping
        task.cancel()
        raise


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _on_abandoned_done(task: asyncio.Task[object]) -> None:
    _abandoned.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ChatError | web.HTTPException):
        logger.error("a request failed after its time limit", exc_info=error)

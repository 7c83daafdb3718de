"""Time limit of every request: while the database stands still, `unavailable` is the answer.

Work that only reads is cancelled. Work that may change something goes on without its caller, so
that what it stores is published and the sockets that it ends are closed; its outcome is unknown to
the caller. Owns the tasks that go on.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from chatserver.errors import ChatError, Unavailable, _
from chatserver.web.authentication import SAFE_METHODS

LIMIT = 10.0  # seconds from the whole request to its answer
TIMER = web.RequestKey("timer", asyncio.Timeout)

T = TypeVar("T")

logger = logging.getLogger(__name__)
_outliving: set[asyncio.Task[object]] = set()


async def handled(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The handler's response. Raises Unavailable when it takes longer than LIMIT."""
    timer = request[TIMER] = asyncio.timeout(LIMIT)
    if request.method in SAFE_METHODS:
        return await _cancelled(handler(request), timer)
    return await _left_alone(handler(request), timer)


def lift(request: web.Request) -> None:
    """Let a request wait for as long as it takes: for the journal, or for a whole stream.

    Raises Unavailable when it was refused already, so that nothing is stored after that.
    """
    if TIMER in request:
        try:
            request[TIMER].reschedule(None)
        except RuntimeError:
            raise Unavailable from None


async def read(work: Awaitable[T]) -> T:
    """Run what only reads. Raises Unavailable after LIMIT; then it is cancelled."""
    return await _cancelled(work, asyncio.timeout(LIMIT))


async def write(work: Awaitable[T]) -> T:
    """Run what may change something. Raises Unavailable after LIMIT; then it goes on."""
    return await _left_alone(work, asyncio.timeout(LIMIT))


async def _cancelled(work: Awaitable[T], timer: asyncio.Timeout) -> T:
    try:
        async with timer:
            return await work
    except TimeoutError:
        if not timer.expired():
            raise
        raise Unavailable(_("The server cannot answer right now. Try again.")) from None


async def _left_alone(work: Awaitable[T], timer: asyncio.Timeout) -> T:
    task = asyncio.ensure_future(_awaited(work))
    try:
        async with timer:
            return await asyncio.shield(task)
    except TimeoutError:
        if not timer.expired():
            raise
        _outliving.add(task)
        task.add_done_callback(_ended)
        raise Unavailable(
            _("The server did not answer in time. The action may still complete: check first.")
        ) from None
    except asyncio.CancelledError:  # the server stops
        task.cancel()
        raise


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _ended(task: asyncio.Task[object]) -> None:
    _outliving.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ChatError | web.HTTPException):
        logger.error("a request failed after it was refused", exc_info=error)

"""Time limit of every request: if the database hangs, the response is `unavailable`."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from chatserver.deadline import run_cancellable, run_shielded
from chatserver.errors import ChatError, Unavailable
from chatserver.web.operations import SAFE_METHODS

TIMEOUT = 10.0  # seconds from the whole request to its response
TIMER = web.RequestKey("timer", asyncio.Timeout)


def new_timer() -> asyncio.Timeout:
    """Return the timer of a request or a command."""
    return asyncio.timeout(TIMEOUT)


async def run_handler(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the handler's response. Raises Unavailable after TIMEOUT."""
    timer = request[TIMER] = new_timer()
    if request.method in SAFE_METHODS:
        return await run_cancellable(handler(request), timer)
    return await run_shielded(handler(request), timer, expected=(ChatError, web.HTTPException))


def lift(request: web.Request) -> None:
    """Remove the time limit of a request: to wait for the journal, or for a stream.

    Raises Unavailable if it has timed out already, so that nothing is stored afterwards.
    """
    if TIMER in request:
        try:
            request[TIMER].reschedule(None)
        except RuntimeError:
            raise Unavailable from None


def restore(request: web.Request) -> None:
    """Limit the rest of a request whose limit was lifted: TIMEOUT from now on."""
    if TIMER in request:
        request[TIMER].reschedule(asyncio.get_running_loop().time() + TIMEOUT)

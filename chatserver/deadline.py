"""Time limits of single steps: if the database hangs, the caller is answered `unavailable`.

Work that only reads is cancelled. Work that may change something continues without its caller, so
that what it stores is published and connections are closed; the caller does not learn the outcome.
Owns the tasks that continue.
"""

import asyncio
import logging
from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

from chatserver.errors import ChatError, Unavailable, _

T = TypeVar("T")

logger = logging.getLogger(__name__)
_abandoned: set[asyncio.Task[object]] = set()


async def run_cancellable(work: Awaitable[T], timer: asyncio.Timeout) -> T:
    """Run work that only reads. Raises Unavailable when the timer ends, and cancels it."""
    try:
        async with timer:
            return await work
    except TimeoutError:
        if not timer.expired():
            raise
        raise Unavailable(_("The server cannot answer right now. Try again.")) from None


async def run_shielded(
    work: Awaitable[T],
    timer: asyncio.Timeout,
    *,
    expected: tuple[type[Exception], ...] = (ChatError,),
) -> T:
    """Run work that may change something. Raises Unavailable when the timer ends.

    The work continues then, and an error of it that is not `expected` is logged.
    """
    task = asyncio.ensure_future(_awaited(work))
    try:
        async with timer:
            return await asyncio.shield(task)
    except TimeoutError:
        if not timer.expired():
            raise
        _abandoned.add(task)
        task.add_done_callback(partial(_on_abandoned_done, expected))
        raise Unavailable(
            _("The server did not answer in time. The action may still complete: check first.")
        ) from None
    except asyncio.CancelledError:  # the server is stopping
        task.cancel()
        raise


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _on_abandoned_done(expected: tuple[type[Exception], ...], task: asyncio.Task[object]) -> None:
    _abandoned.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, expected):
        logger.error("a request failed after its time limit", exc_info=error)

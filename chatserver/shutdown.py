"""Last steps of a stop, with time limits, so that a hanging database does not delay it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from chatserver.errors import ChatServerError, Unavailable
from chatserver.storage.journal import Journal

DRAIN_TIMEOUT = 3.0  # seconds to store and answer pending messages
FINISH_TIMEOUT = 5.0  # seconds for the last writes and the end of the tasks
COMPACT_STEP_TIMEOUT = 2.0  # seconds for one transaction that removes words of deleted messages
COMPACT_TIMEOUT = 60.0  # seconds for all of them, while the database responds
CLOSE_TIMEOUT = 2.0  # seconds to close the connections to the database

Step = Callable[[], Awaitable[object]]

logger = logging.getLogger(__name__)


async def run_steps(steps: Mapping[str, Step], seconds: float = FINISH_TIMEOUT) -> list[str]:
    """Run all steps in order; return the names of those that failed or timed out."""
    failed = []
    deadline = asyncio.get_running_loop().time() + seconds
    for name, step in steps.items():
        try:
            async with asyncio.timeout_at(deadline):
                await step()
        except (ChatServerError, TimeoutError):
            failed.append(name)
    return failed


def stop_tasks_step(journal: Journal, stop_tasks: Step) -> Step:
    """Return the step that ends the tasks. It raises Unavailable if drafts are unanswered."""

    async def end() -> None:
        pending = journal.pending
        await stop_tasks()
        if pending:
            raise Unavailable

    return end


async def compact(step: Callable[[], Awaitable[bool]]) -> None:
    """Remove words of deleted messages from the file of the search index; warn if some are left."""
    if not await repeat_until_done(step):
        logger.warning(
            "words of deleted messages are still in the file of the search index;"
            " their removal continues after the next start"
        )


async def repeat_until_done(step: Callable[[], Awaitable[bool]]) -> bool:
    """Repeat a step until it returns False; return whether it did, within the limits.

    COMPACT_STEP_TIMEOUT limits one step, so that a hanging database does not delay the stop;
    COMPACT_TIMEOUT limits all steps.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + COMPACT_TIMEOUT
    more = True
    with suppress(ChatServerError, TimeoutError):
        while more and clock() < deadline:
            async with asyncio.timeout(COMPACT_STEP_TIMEOUT):
                more = await step()
    return not more


async def within(seconds: float, step: Step) -> None:
    """Run a step for at most so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await step()

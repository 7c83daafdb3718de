"""Last steps of a stop, with time limits, so that a hanging database does not delay it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from chatserver.errors import ChatServerError, Unavailable
from chatserver.storage.journal import Journal

DRAIN = 3.0  # seconds to store and answer pending messages
FINISH = 5.0  # seconds for the last writes and the end of the tasks
COMPACT = 12.0  # seconds to remove words of deleted messages, while the database responds
CLOSE = 2.0  # seconds to close the connections to the database

Step = Callable[[], Awaitable[None]]


async def unfinished(steps: Mapping[str, Step], seconds: float = FINISH) -> list[str]:
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


def ending(journal: Journal, stop_tasks: Step) -> Step:
    """Return the step that ends the tasks. It raises Unavailable if drafts are unanswered."""

    async def end() -> None:
        pending = journal.pending
        await stop_tasks()
        if pending:
            raise Unavailable

    return end


async def within(seconds: float, step: Step) -> None:
    """Run a step for at most so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await step()

"""Last steps of a stop, with limits: a database that does not answer must not hold it up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from chatserver.errors import ChatServerError, Unavailable
from chatserver.storage.journal import Journal

DRAIN = 3.0  # seconds that a stop waits for the answers to messages
FINISH = 5.0  # seconds for all that is written last, and for the end of the tasks
CLOSE = 2.0  # seconds until connections to the database are left as they are

Step = Callable[[], Awaitable[None]]


async def unfinished(steps: Mapping[str, Step]) -> list[str]:
    """Run all steps in order; the names of those that failed or were late."""
    failed = []
    deadline = asyncio.get_running_loop().time() + FINISH
    for name, step in steps.items():
        try:
            async with asyncio.timeout_at(deadline):
                await step()
        except (ChatServerError, TimeoutError):
            failed.append(name)
    return failed


def ending(journal: Journal, stop_tasks: Step) -> Step:
    """The step that ends the tasks. Raises Unavailable when drafts are left unanswered."""

    async def end() -> None:
        pending = journal.pending
        await stop_tasks()
        if pending:
            raise Unavailable

    return end


async def within(seconds: float, step: Step) -> None:
    """Run a step, or leave it after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await step()

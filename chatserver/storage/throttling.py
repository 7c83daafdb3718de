"""Throttling of long work, so that messages are stored between its transactions."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PAUSE = 1.0  # as a multiple of the time of the step before


@asynccontextmanager
async def throttled() -> AsyncIterator[None]:
    """Run one step of long work, then pause for as long as it took."""
    started = time.monotonic()
    yield
    await asyncio.sleep(PAUSE * (time.monotonic() - started))

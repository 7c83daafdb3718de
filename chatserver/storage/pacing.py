"""Pauses between transactions of long work, so that messages are stored in between."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PAUSE = 1.0  # as a multiple of the time of the step before


@asynccontextmanager
async def paced() -> AsyncIterator[None]:
    """Run one step of long work, then leave the same time to others."""
    started = time.monotonic()
    yield
    await asyncio.sleep(PAUSE * (time.monotonic() - started))

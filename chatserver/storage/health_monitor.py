"""Health of the database, combined with the outcome of commits, also while nothing is stored."""

import asyncio
from dataclasses import replace

from chatserver.storage.engine import Database
from chatserver.storage.failures import BROKEN
from chatserver.storage.health import DatabaseHealth, HealthCheck
from chatserver.storage.journal import Journal

PROBE_INTERVAL = 10.0  # seconds without a commit or a check, after which the database is checked


class HealthMonitor:
    """Checks the database on request, and while the server is idle, so that outages are logged."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal
        self._check = HealthCheck(database)

    async def health(self) -> DatabaseHealth:
        """Return the present health within a second. Never raises."""
        found = await self._check.check()
        outage = self._journal.outage
        outage.probed(found.reason, began=found.began)
        broken = self._journal.broken or self._database.broken
        return replace(found, reason=BROKEN.reason if broken else outage.reason)

    async def run(self) -> None:
        """Check the database when its state was not noted for PROBE_INTERVAL."""
        outage = self._journal.outage
        while True:
            await asyncio.sleep(PROBE_INTERVAL - outage.age)
            if outage.age >= PROBE_INTERVAL:
                await self.health()

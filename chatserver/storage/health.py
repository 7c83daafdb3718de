"""Health check of the database that answers within a second."""

import asyncio
import secrets
import time
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from chatserver.errors import Unavailable
from chatserver.storage.engine import Database
from chatserver.storage.failures import FAILURES, UNREACHABLE, storage_error
from chatserver.storage.meta_keys import PROBE
from chatserver.storage.migrate import HEAD, revision
from chatserver.storage.tables import meta

CHECK_TIMEOUT = 0.8  # seconds after which the database counts as not answering
MAX_AGE = 0.2  # seconds for which a result is reused, because a probe is a commit
ATTEMPT_TIMEOUT = 30.0  # seconds after which an attempt that hangs is cancelled


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """Result of a health check; `reason` says why nothing can be stored, "" if it can.

    `began` is the start of the check in monotonic seconds. `revision`, `durability` and `size` in
    bytes are None if the database did not answer.
    """

    reason: str
    revision: str | None = None
    durability: str | None = None
    size: int | None = None
    began: float = 0.0


class HealthCheck:
    """Checks a database on request, at most once at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.close_first(self)
        self._attempt: asyncio.Task[DatabaseHealth] | None = None
        self._began = 0.0
        # One key for each node, which would wait for the row lock of another one.
        self._key = PROBE + secrets.token_hex(4)
        self._reason = ""  # of the last check that completed

    async def check(self) -> DatabaseHealth:
        """Return the present health. Never raises, and returns within a second."""
        if self._attempt is None or (self._attempt.done() and self._age() > MAX_AGE):
            self._began = time.monotonic()
            self._attempt = asyncio.create_task(self._check())
        attempt = self._attempt
        await asyncio.wait({attempt}, timeout=CHECK_TIMEOUT)
        if not attempt.done():
            return DatabaseHealth(self._reason or UNREACHABLE.reason, began=self._began)
        health = replace(attempt.result(), began=self._began)
        self._reason = health.reason
        return health

    async def close(self) -> None:
        """Cancel a check that is running."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait({self._attempt})

    def _age(self) -> float:
        return time.monotonic() - self._began

    async def _check(self) -> DatabaseHealth:
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT):
                health = await self._read()
                return replace(health, reason=await self._probe() or health.reason)
        except FAILURES as error:
            self._database.note_damage(error)
            refused = storage_error(error)
            return DatabaseHealth(
                refused.reason if isinstance(refused, Unavailable) else str(error)
            )
        except Unavailable as error:
            return DatabaseHealth(error.reason)

    async def _read(self) -> DatabaseHealth:
        database = self._database
        found = await revision(database)
        there = f"has revision {found}, not {HEAD}" if found else "is empty"
        reason = "" if found == HEAD else f"the database {there}"
        return DatabaseHealth(reason, found, await database.durability(), await database.size())

    async def _probe(self) -> str:
        """Commit a minimal transaction; return why it failed, "" if it succeeded."""
        try:
            await self._database.transaction(self._write_and_remove)
        except Unavailable as error:
            return error.reason or "the disk failed"
        return ""

    def _write_and_remove(self, connection: Connection) -> None:
        """Insert and delete a row, so that the commit is flushed and leaves nothing."""
        connection.execute(meta.insert().values(key=self._key, value=""))
        connection.execute(meta.delete().where(meta.c.key == self._key))

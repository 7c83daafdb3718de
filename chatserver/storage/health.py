"""The condition of the database, within a second whatever the database does."""

import asyncio
import secrets
import time
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from chatserver.errors import Unavailable
from chatserver.storage.engine import Database
from chatserver.storage.failures import AWAY, FAILURES, storage_error
from chatserver.storage.migrate import HEAD, revision
from chatserver.storage.tables import meta

CHECK_TIMEOUT = 0.8  # seconds until the answer is that there is none
MAX_AGE = 0.2  # seconds for which an answer is good: anyone may ask, and a probe is a commit
ATTEMPT_TIMEOUT = 30.0  # seconds until another attempt is made beside one that hangs

PROBE = "probe"


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """What the database answered; `reason` says why it stores nothing, "" when it stores.

    `began`: when the look began, in monotonic seconds.
    `revision`, `durability` and `size` in bytes are None where there was no answer.
    """

    reason: str
    revision: str | None = None
    durability: str | None = None
    size: int | None = None
    began: float = 0.0


class HealthCheck:
    """Looks at a database when asked, at most once at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.close_first(self)
        self._look: asyncio.Task[DatabaseHealth] | None = None
        self._began = 0.0
        self._key = PROBE + secrets.token_hex(4)  # nodes that share a row wait for each other
        self._reason = ""  # of the last look that ended

    async def check(self) -> DatabaseHealth:
        """The condition of this moment. Never raises, and returns within a second."""
        if self._look is None or (self._look.done() and self._age() > MAX_AGE):
            self._began = time.monotonic()
            self._look = asyncio.create_task(self._check())
        look = self._look
        await asyncio.wait({look}, timeout=CHECK_TIMEOUT)
        if not look.done():
            return DatabaseHealth(self._reason or AWAY.reason, began=self._began)
        condition = replace(look.result(), began=self._began)
        self._reason = condition.reason
        return condition

    async def close(self) -> None:
        """Give up a look that hangs."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.wait({self._look})

    def _age(self) -> float:
        return time.monotonic() - self._began

    async def _check(self) -> DatabaseHealth:
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT):
                seen = await self._read()
                return replace(seen, reason=seen.reason or await self._probe())
        except FAILURES as error:
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
        """Why a transaction fails, "" when it succeeds. It is as small as one can be."""
        try:
            await self._database.transaction(self._write_and_remove)
        except Unavailable as error:
            return error.reason or "the disk failed"
        return ""

    def _write_and_remove(self, connection: Connection) -> None:
        """Both are written and flushed, and nothing is left."""
        connection.execute(meta.insert().values(key=self._key, value=""))
        connection.execute(meta.delete().where(meta.c.key == self._key))

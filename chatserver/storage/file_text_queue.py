"""Queue of the files whose texts are to be read: see `file_texts`.

A node claims a file for a while, so that no other one reads it. A file whose claim has expired is
claimed again, a few times: its node was killed, or the file has killed it. Users take turns.
"""

from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.storage import file_texts
from chatserver.storage.engine import Database
from chatserver.storage.file_texts import NEVER, queue
from chatserver.text.file_texts import IndexedText

CLAIM = 180_000  # milliseconds, more than fetching and reading a file takes
ATTEMPTS = 3


class FileTextQueue:
    """Claims files, and stores their texts."""

    def __init__(self, database: Database, *, clock: Callable[[], int]) -> None:
        """`clock` returns milliseconds UTC."""
        self._database = database
        self._clock = clock
        self._last_user = 0

    async def claim(self) -> str | None:
        """Return the id of a file to read; None if there is none now."""
        now = self._clock()
        while (row := await self._next(now)) is not None:
            self._last_user = row.user_id
            if await self._database.transaction(partial(_claim, row=row, now=now)):
                return str(row.file_id)
        return None

    async def _next(self, now: int) -> Row[tuple[str, int, int, int]] | None:
        """Return the next file, of the next user who has one."""
        async with self._database.reading() as connection:
            for user in dict.fromkeys([self._last_user, 0]):
                place = {"user": user, "now": now}
                if (row := (await connection.execute(_NEXT, place)).one_or_none()) is not None:
                    return row
        return None

    async def store(self, file_id: str, found: IndexedText) -> bool:
        """Store the text of a file, if the file is still in a message; it is read no more."""
        return await self._database.transaction(lambda c: file_texts.store(c, file_id, found))

    async def drop(self, file_id: str) -> None:
        """Remove a file that has no text."""
        await self._database.transaction(lambda c: file_texts.dequeue(c, file_id))

    async def postpone(self, file_id: str) -> None:
        """Keep a file until the next start: this server cannot read it."""
        change = queue.update().where(queue.c.file_id == file_id).values(due=NEVER, attempts=0)
        await self._database.transaction(lambda c: c.execute(change))

    async def resume(self) -> None:
        """Take the postponed files up again."""
        postponed = queue.update().where(queue.c.user_id > 0, queue.c.due == NEVER)
        await self._database.transaction(lambda c: c.execute(postponed.values(due=0)))


def _claim(connection: Connection, row: Row[tuple[str, int, int, int]], now: int) -> bool:
    """Claim a file unless another node was faster; drop one that was claimed too often."""
    same = sa.and_(queue.c.file_id == row.file_id, queue.c.due == row.due)
    if row.attempts >= ATTEMPTS:
        connection.execute(queue.delete().where(same))
        return False
    claimed = queue.update().where(same).values(due=now + CLAIM, attempts=row.attempts + 1)
    return connection.execute(claimed).rowcount > 0


_NEXT: sa.Select[tuple[str, int, int, int]] = (
    sa.select(queue.c.file_id, queue.c.user_id, queue.c.due, queue.c.attempts)
    .where(queue.c.user_id > sa.bindparam("user"), queue.c.due <= sa.bindparam("now"))
    .order_by(queue.c.user_id, queue.c.due)
    .limit(1)
)

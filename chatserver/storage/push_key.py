"""The private key of web push, in `meta`: one for all nodes. Archives do not contain it."""

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from chatserver.storage.engine import Database
from chatserver.storage.meta_keys import PUSH_KEY
from chatserver.storage.tables import meta

_STORED = sa.select(meta.c.value).where(meta.c.key == PUSH_KEY)


class StoredPushKey:
    """Reads the key, or adds it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_or_add(self, make: Callable[[], str]) -> str:
        """Return the stored key; without one, store the one that `make` returns.

        The first of several nodes decides. Raises Unavailable.
        """
        found = await self._read()
        if found is None:
            found = await self._add(make())
        return found

    async def _read(self) -> str | None:
        async with self._database.reading() as connection:
            found: str | None = await connection.scalar(_STORED)
            return found

    async def _add(self, key: str) -> str:
        def work(connection: Connection) -> str:
            connection.execute(meta.insert().values(key=PUSH_KEY, value=key))
            return key

        try:
            return await self._database.transaction(work)
        except IntegrityError:  # another node was first
            return await self._read() or key

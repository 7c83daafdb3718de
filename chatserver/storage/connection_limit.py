"""Work with fewer connections than the pools may have, where the database allows no more.

MariaDB and MySQL limit an account (max_user_connections) and the server (max_connections). A
refused connection is tried again after the idle ones of the other pools were closed: slower, but
every query gets its turn.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pymysql.err import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty

REFUSED = (1040, 1203, 1226)  # too many connections: of the server, of the account (two codes)
TRIES, DELAY = 100, 0.03  # seconds between two

logger = logging.getLogger(__name__)

Connect = Callable[..., Awaitable[Any]]


class ConnectionLimit:
    """Shares the connections that the database allows among the pools of one `Database`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self.pools: list[AsyncEngine] = []
        self._is_known = False
        self._queue = asyncio.Lock()

    async def connect(self, **options: Any) -> Any:
        """Make a connection, when it is its turn."""
        try:
            return await self._connect(**options)
        except OperationalError as error:
            if error.args[0] not in REFUSED:
                raise
            self._note(error)
        async with self._queue:  # first come, first served
            return await self._patiently(options)

    async def _patiently(self, options: dict[str, Any]) -> Any:
        for _ in range(TRIES):
            await self._close_idle()
            try:
                return await self._connect(**options)
            except OperationalError as error:
                if error.args[0] not in REFUSED:
                    raise
            await asyncio.sleep(DELAY)
        return await self._connect(**options)

    def _note(self, error: OperationalError) -> None:
        if not self._is_known:
            self._is_known = True
            logger.warning("the database allows fewer connections than are used; slower: %s", error)

    async def _close_idle(self) -> None:
        for engine in self.pools:
            await greenlet_spawn(_empty, engine.sync_engine.pool)


def _empty(pool: Any) -> None:
    """Close the idle connections of a pool; `Pool.dispose` would forget those in use."""
    while True:
        try:
            idle = pool._pool.get(False)  # noqa: SLF001 - there is no public way
        except Empty:
            return
        idle.close()
        pool._dec_overflow()  # noqa: SLF001

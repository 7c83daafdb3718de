"""Fallback for databases that allow fewer connections than the pools may open.

MariaDB and MySQL limit an account (max_user_connections) and the server (max_connections). A
refused connection is retried after closing idle connections of the other pools: slower, but every
query is served.
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
RETRIES, RETRY_DELAY = 100, 0.03  # seconds

logger = logging.getLogger(__name__)

Connect = Callable[..., Awaitable[Any]]


class ConnectionLimit:
    """Shares the connections that the database allows among the pools of one `Database`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self.pools: list[AsyncEngine] = []
        self._warned = False
        self._queue = asyncio.Lock()

    async def connect(self, **options: Any) -> Any:
        """Open a connection; callers are served in order if the limit is reached."""
        try:
            return await self._connect(**options)
        except OperationalError as error:
            if error.args[0] not in REFUSED:
                raise
            self._warn_once(error)
        async with self._queue:  # first come, first served
            return await self._connect_with_retries(options)

    async def _connect_with_retries(self, options: dict[str, Any]) -> Any:
        for _ in range(RETRIES):
            await self._close_idle()
            try:
                return await self._connect(**options)
            except OperationalError as error:
                if error.args[0] not in REFUSED:
                    raise
            await asyncio.sleep(RETRY_DELAY)
        return await self._connect(**options)

    def _warn_once(self, error: OperationalError) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("the database allows too few connections; queries are slower: %s", error)

    async def _close_idle(self) -> None:
        for engine in self.pools:
            await greenlet_spawn(_empty, engine.sync_engine.pool)


def _empty(pool: Any) -> None:
    """Close the idle connections of a pool; `Pool.dispose` would also detach those in use."""
    while True:
        try:
            idle = pool._pool.get(False)  # noqa: SLF001 - there is no public method
        except Empty:
            return
        idle.close()
        pool._dec_overflow()  # noqa: SLF001

"""Closes the connections of users whose sessions ended on another node.

Messages between nodes may be late, and the user may have signed in again since. So the database
is asked which sessions are alive. Owns the tasks that ask it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from chatserver.errors import CloseCode
from chatserver.realtime.connection import Connection
from chatserver.realtime.pending_connections import PendingConnections

logger = logging.getLogger(__name__)

# Which of these sessions have not ended: see `storage.users.People.alive`.
FindAlive = Callable[[Collection[str]], Awaitable[set[str]]]


class SessionChecks:
    """One query for each message that says that sessions of a user ended."""

    def __init__(
        self,
        find_alive: FindAlive,
        pending: PendingConnections,
        devices: Callable[[int], Collection[Connection]],
        expire: Callable[[Connection, CloseCode], None],
    ) -> None:
        """`devices` returns the connections of a user; `expire` closes one with a code."""
        self._find_alive = find_alive
        self._pending = pending
        self._devices = devices
        self._expire = expire
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, user_id: int, code: CloseCode) -> None:
        """Check the sessions of a user's connections in a task of its own.

        Sessions of connections that are being set up are read again before these are attached.
        """
        self._pending.note_moves([user_id])
        connections = list(self._devices(user_id))
        if connections:
            task = asyncio.create_task(self._check(connections, code))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _check(self, connections: list[Connection], code: CloseCode) -> None:
        sessions = {connection.session_id for connection in connections}
        try:
            ended = sessions - await self._find_alive(sessions)
        except Exception as error:  # `node_sync` asks again
            logger.warning("sessions that ended on another node stay open for now: %s", error)
            return
        for connection in connections:
            if connection.session_id in ended:
                self._expire(connection, code)

    def close(self) -> None:
        """Cancel the tasks."""
        for task in self._tasks:
            task.cancel()

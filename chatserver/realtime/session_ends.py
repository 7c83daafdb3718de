"""Closes the connections of ended sessions, here and on the other nodes.

A message from another node may be late, and its user may have logged in again since. So the
database is queried for the sessions that are alive. Owns the tasks of these queries.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from chatserver import protocol
from chatserver.bus.messages import SessionEnd
from chatserver.errors import RECONNECT, SESSION_ENDED, CloseCode
from chatserver.realtime.connection import Connection
from chatserver.realtime.pending_connections import PendingConnections
from chatserver.realtime.registry import Registry

# In English: one frame for all clients, which show a text of their own for the code.
SESSION_OVER = protocol.encode(protocol.Error(data=SESSION_ENDED, code="session_over"))

logger = logging.getLogger(__name__)

# Which of these sessions are not revoked: see `storage.sessions.StoredSessions.not_revoked`.
FindAlive = Callable[[Collection[str]], Awaitable[set[str]]]


class SessionEnds:
    """Closes connections whose session has ended, or whose user has to reconnect."""

    def __init__(
        self,
        registry: Registry,
        pending: PendingConnections,
        publish: Callable[[SessionEnd], None],
        find_alive: FindAlive,
    ) -> None:
        """`publish` sends a message to the other nodes."""
        self._registry = registry
        self._pending = pending
        self._publish = publish
        self._find_alive = find_alive
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_session_ended: Callable[[SessionEnd], object] = lambda _: None  # see `Revocations`

    def close_session_connections(self, session_id: str, *, pending: bool = False) -> None:
        """Close a session's connections on all nodes. `pending`: its end is not stored yet."""
        self._close(SessionEnd(CloseCode.SESSION_INVALID, session=session_id, pending=pending))

    def close_user_connections(self, user_id: int, code: CloseCode) -> None:
        """Close all connections of a user, on all nodes."""
        self._close(SessionEnd(code, user=user_id))

    def _close(self, ended: SessionEnd) -> None:
        self._close_local(ended)
        self._publish(ended)

    def _close_local(self, ended: SessionEnd) -> None:
        self._pending.note_end(ended)
        if ended.user is not None:
            closing: Collection[Connection] = self._registry.connections_of(ended.user)
        else:
            closing = self._registry.connections
        for connection in list(closing):
            if ended.session in (None, connection.session_id):
                self.close_connection(connection, CloseCode(ended.code))

    def close_connection(
        self, connection: Connection, code: CloseCode = CloseCode.SESSION_INVALID
    ) -> None:
        """Close a connection: with RESTARTING to reconnect, else because its session has ended."""
        if code is CloseCode.RESTARTING:
            self._registry.hang_up(connection, code, RECONNECT)
        else:
            connection.write(SESSION_OVER)
            self._registry.hang_up(connection, code, "session over")

    # From other nodes -----------------------------------------------------------------------------

    def receive(self, ended: SessionEnd) -> None:
        """Handle a request of another node to close connections."""
        if ended.user is not None and ended.code != CloseCode.RESTARTING:
            self._start_check(ended.user, CloseCode(ended.code))
        else:
            self._close_local(ended)
            self.on_session_ended(ended)

    def _start_check(self, user_id: int, code: CloseCode) -> None:
        """Check the sessions of a user's connections in a task of its own.

        Sessions of connections that are being set up are read again before these are attached.
        """
        self._pending.note_changes([user_id])
        connections = list(self._registry.connections_of(user_id))
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
                self.close_connection(connection, code)

    def close(self) -> None:
        """Cancel the tasks."""
        for task in self._tasks:
            task.cancel()

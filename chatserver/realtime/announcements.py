"""Announcements of a room to its new members: the event of joining with the room's state."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from chatserver.errors import CloseCode
from chatserver.models import RoomState
from chatserver.protocol import encode_events
from chatserver.realtime.pending_connections import PendingConnections
from chatserver.realtime.registry import Registry
from chatserver.realtime.subscriptions import Subscriptions

BATCH_SIZE = 50  # members in one query and in one turn of the event loop

logger = logging.getLogger(__name__)

# Read a room as each of these users sees it: see `storage.rooms.Rooms.states`.
ReadStates = Callable[[Sequence[int], int], Awaitable[dict[int, RoomState]]]


class RoomAnnouncements:
    """Owns the tasks that read the states of rooms for new members."""

    def __init__(
        self,
        registry: Registry,
        pending: PendingConnections,
        subscriptions: Subscriptions,
        read_states: ReadStates,
    ) -> None:
        self._registry = registry
        self._pending = pending
        self._subscriptions = subscriptions
        self._read_states = read_states
        self._tasks: set[asyncio.Task[None]] = set()

    def schedule(self, users: Sequence[int], room: int, event: bytes) -> None:
        """Announce the room in a task."""
        if users:
            task = asyncio.create_task(self._try(users, room, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _try(self, users: Sequence[int], room: int, event: bytes) -> None:
        try:
            await self.announce_room(users, room, event)
        except Exception as error:
            logger.warning("cannot announce a room, its new members reconnect: %s", error)
            self._reconnect(users)

    async def announce_room(self, users: Sequence[int], room: int, event: bytes) -> None:
        """Subscribe the connections of new members; `event` is the JSON of their joining."""
        self._pending.note_changes(users)
        connected = [user_id for user_id in users if self._registry.connections_of(user_id)]
        for start in range(0, len(connected), BATCH_SIZE):
            await self._announce_batch(connected[start : start + BATCH_SIZE], room, event)

    async def _announce_batch(self, users: Sequence[int], room: int, event: bytes) -> None:
        with self._registry.connecting() as pending:
            states = await self._read_states(users, room)
            while changed := [user_id for user_id in users if pending.take_change(user_id)]:
                newer = await self._read_states(changed, room)
                states = {u: state for u, state in states.items() if u not in changed} | newer
            for user_id, state in states.items():
                self._show(user_id, state, encode_events.with_state(event, state))

    def _show(self, user_id: int, state: RoomState, frame: bytes) -> None:
        connections = self._registry.connections_of(user_id)
        for connection in [c for c in connections if state.room not in c.rooms]:
            missed = self._subscriptions.subscribe(connection, state.room, state.head)
            self._registry.broadcast(b"".join((frame, *missed)), [connection])

    def _reconnect(self, users: Sequence[int]) -> None:
        for user_id in users:
            for connection in list(self._registry.connections_of(user_id)):
                self._registry.hang_up(connection, CloseCode.RESTARTING, "added to a room")

    def close(self) -> None:
        """Cancel the tasks."""
        for task in self._tasks:
            task.cancel()

"""Shows new members their room: the event that made them members, with the room's state."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager

from chatserver.models import RoomState
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.pending_connections import PendingConnection, PendingConnections

BATCH = 50  # members who are read in one query and sent their room in one turn of the loop

logger = logging.getLogger(__name__)

# A room as each of these members sees it: see `storage.rooms.Rooms.states`.
ReadStates = Callable[[Sequence[int], int], Awaitable[dict[int, RoomState]]]


class RoomAnnouncements:
    """Owns the tasks that read the states of rooms for new members."""

    def __init__(
        self,
        read_states: ReadStates,
        arriving: Callable[[], AbstractContextManager[PendingConnection]],
        arrivals: PendingConnections,
        *,
        devices: Callable[[int], Collection[Connection]],
        show: Callable[[int, RoomState, bytes], None],
        reconnect: Callable[[Sequence[int]], None],
    ) -> None:
        """`devices` are those of a user; `show` is called with a user, a state, its frame.

        `reconnect` is called with users who cannot be shown the room: a welcome will.
        """
        self._read_states = read_states
        self._arriving = arriving
        self._arrivals = arrivals
        self._devices = devices
        self._show = show
        self._reconnect = reconnect
        self._tasks: set[asyncio.Task[None]] = set()

    def soon(self, users: Sequence[int], room: int, event: bytes) -> None:
        """Introduce these users in a task of its own."""
        if users:
            task = asyncio.create_task(self._try(users, room, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _try(self, users: Sequence[int], room: int, event: bytes) -> None:
        try:
            await self.announce_room(users, room, event)
        except Exception as error:
            logger.warning("new members have to reconnect: %s", error)
            self._reconnect(users)

    async def announce_room(self, users: Sequence[int], room: int, event: bytes) -> None:
        """Let the devices of new members hear a room; `event` is the JSON of their joining."""
        self._arrivals.note_moves(users)
        here = [user_id for user_id in users if self._devices(user_id)]
        for start in range(0, len(here), BATCH):
            await self._introduce(here[start : start + BATCH], room, event)

    async def _introduce(self, users: Sequence[int], room: int, event: bytes) -> None:
        with self._arriving() as arrival:
            states = await self._read_states(users, room)
            while moved := [user_id for user_id in users if arrival.has_moved(user_id)]:
                again = await self._read_states(moved, room)
                states = {u: state for u, state in states.items() if u not in moved} | again
            for user_id, state in states.items():
                self._show(user_id, state, encode_events.with_state(event, state))

    def close(self) -> None:
        """Stop the tasks."""
        for task in self._tasks:
            task.cancel()

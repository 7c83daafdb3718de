"""Read positions, which are not events of a room's log.

They are stored in batches; while one is written, the next collects. Losing the newest
ones only makes an unread count too high, so no client waits for them, and a message waits for one
short transaction at most. A batch takes one position of each user in turn, so that a user with many
delays no other. Owns the positions that are not stored yet.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from chatserver import protocol
from chatserver.errors import ChatServerError
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.read_receipts import ReadReceipts
from chatserver.storage.rooms import Rooms

RETRY_DELAY = 1.0  # seconds after a failed write
MAX_PENDING = 1_000  # positions of one user; beyond that the newest of this user are dropped
BATCH_SIZE = 100  # positions in one transaction

Position = tuple[str, int]  # name of the user, seq

logger = logging.getLogger(__name__)


class ReadPositions:
    """Stores read positions, and sends them to other devices and members."""

    def __init__(self, hub: Hub, rooms: Rooms, *, clock: Callable[[], float]) -> None:
        self._hub = hub
        self._rooms = rooms
        self._pending: OrderedDict[int, dict[int, Position]] = OrderedDict()  # by user and room
        self._wake = asyncio.Event()
        self._read_receipts = ReadReceipts(
            lambda frames, room: hub.send_ephemeral(frames, room=room), clock
        )

    def read(self, connection: Connection, room: int, seq: int) -> None:
        """Queue the position `seq` of a user; membership is checked when it is stored.

        The connection may not be subscribed to a new room yet.
        """
        user = connection.user
        own = self._pending.get(user.id, {})
        if room in own or len(own) < MAX_PENDING:
            self._queue(user.id, room, (user.name, seq))

    def forget(self, user_id: int, room: int) -> None:
        """Drop the position of a user that is not stored yet: it was moved back."""
        own = self._pending.get(user_id, {})
        own.pop(room, None)
        if not own:
            self._pending.pop(user_id, None)

    def _queue(self, user_id: int, room: int, position: Position) -> None:
        name, seq = position
        own = self._pending.setdefault(user_id, {})
        own[room] = (name, max(seq, own.get(room, ("", 0))[1]))
        self._wake.set()

    async def run(self) -> None:
        """Store positions until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._flush_safely()
        finally:
            self._read_receipts.close()

    async def _flush_safely(self) -> None:
        try:
            await self.flush()
        except Exception:  # these positions are lost, later ones are not
            logger.exception("storing read positions failed")

    async def flush(self) -> None:
        """Store the next batch of positions, then notify other devices and members."""
        batch = self._take_batch()
        try:
            advanced = await self._rooms.advance_reads(
                {key: seq for key, (_name, seq) in batch.items()}
            )
        except ChatServerError as error:
            logger.warning("cannot store read positions, will retry: %s", error)
            for (user_id, room), position in batch.items():
                self._queue(user_id, room, position)
            await asyncio.sleep(RETRY_DELAY)
            return
        if self._pending:
            self._wake.set()
        for stored in advanced:
            name, _seq = batch[stored.user_id, stored.room]
            frame = protocol.encode(protocol.Read(room=stored.room, user=name, seq=stored.seq))
            self._hub.send_ephemeral(frame, user=stored.user_id)
            if stored.is_shown:
                self._read_receipts.add(stored.room, name, stored.seq)

    def _take_batch(self) -> dict[tuple[int, int], Position]:
        """Remove and return positions by user and room: the oldest one of each user in turn."""
        batch: dict[tuple[int, int], Position] = {}
        while self._pending and len(batch) < BATCH_SIZE:
            user_id, own = self._pending.popitem(last=False)
            room = next(iter(own))
            batch[user_id, room] = own.pop(room)
            if own:
                self._pending[user_id] = own  # after the other users
        return batch

"""Who has read how far, and who is typing: told at once, and of no log.

Read positions are stored in one transaction for many; while one runs, the next collects. Losing the
newest one costs a badge, so nobody waits for it; messages wait for one short transaction at most.
Owns the positions that are not stored yet.
"""

import asyncio
import logging
from collections.abc import Callable
from itertools import islice

from chatserver import protocol
from chatserver.errors import ChatServerError, RateLimited
from chatserver.limits import Rate
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.receipts import Receipts
from chatserver.storage.rooms import Rooms

TYPING = (0.5, 2)  # a second and at once, of one person in one room
TYPING_FRAMES = (2_000, 10_000)  # a second and at once, to all who listen to one room
RETRY = 1.0  # seconds until a database that was away is asked again
WAITING = 10_000  # positions that may wait; beyond that the newest are forgotten
AT_ONCE = 100  # positions in one transaction

logger = logging.getLogger(__name__)


class ReadPositions:
    """Moves read positions forward and passes typing on."""

    def __init__(self, hub: Hub, rooms: Rooms, *, clock: Callable[[], float]) -> None:
        self._hub = hub
        self._rooms = rooms
        self._typing = Rate(*TYPING, clock)
        self._typing_frames = Rate(*TYPING_FRAMES, clock)
        self._waiting: dict[tuple[int, int], tuple[str, int]] = {}  # (user, room) → name, seq
        self._wake = asyncio.Event()
        self._receipts = Receipts(lambda frames, room: hub.aside(frames, room=room), clock)

    def typing(self, connection: Connection, room: int) -> None:
        """Notify who listens to the room. Dropped from no member, too often, or in a busy crowd."""
        user = connection.user
        if room not in connection.rooms:
            return
        try:
            self._typing.take((user.id, room))
            self._typing_frames.take(room)
        except RateLimited:
            return
        self._typing_frames.charge(room, self._hub.count_listeners(room))
        told = protocol.encode(protocol.Typing(room=room, user=user.name))
        self._hub.aside(told, room=room, but=connection)

    def read(self, connection: Connection, room: int, seq: int) -> None:
        """Move somebody's position forward to `seq`, soon. From no member it is dropped."""
        user = connection.user
        key = (user.id, room)
        may_wait = key in self._waiting or len(self._waiting) < WAITING
        if may_wait and room in connection.rooms:
            self._keep(key, user.name, seq)

    def _keep(self, key: tuple[int, int], name: str, seq: int) -> None:
        self._waiting[key] = (name, max(seq, self._waiting.get(key, ("", 0))[1]))
        self._wake.set()

    async def run(self) -> None:
        """Store positions for ever."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._flush_safely()
        finally:
            self._receipts.close()

    async def _flush_safely(self) -> None:
        try:
            await self.flush()
        except Exception:  # those positions are gone, the next ones are not
            logger.exception("read positions could not be stored")

    async def flush(self) -> None:
        """Store what waits longest, then tell of it."""
        batch = dict(islice(self._waiting.items(), AT_ONCE))
        for key in batch:
            del self._waiting[key]
        try:
            moved = await self._rooms.move_reads({key: seq for key, (_name, seq) in batch.items()})
        except ChatServerError as error:
            logger.warning("read positions wait: %s", error)
            for key, (name, seq) in batch.items():
                self._keep(key, name, seq)
            await asyncio.sleep(RETRY)
            return
        if self._waiting:
            self._wake.set()
        for move in moved:
            name, _seq = batch[move.user_id, move.room]
            told = protocol.encode(protocol.Read(room=move.room, user=name, seq=move.seq))
            self._hub.aside(told, user=move.user_id)
            if move.receipts:
                self._receipts.add(move.room, name, move.seq)

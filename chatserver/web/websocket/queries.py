"""Queries of clients: pages of a room, missed events, further rooms."""

from functools import partial

import msgspec

from chatserver import protocol
from chatserver.chat.history import HistoryReader
from chatserver.errors import BadRequest, _
from chatserver.protocol import encode_events
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.storage.rooms import Rooms
from chatserver.web.keyed_queue import QUERY_TIMEOUT, KeyedQueue


class Queries:
    """Answers `history` commands."""

    def __init__(self, history: HistoryReader, rooms: Rooms, hub: Hub) -> None:
        self._history = history
        self._rooms = rooms
        self._hub = hub
        self._queue = KeyedQueue(timeout=QUERY_TIMEOUT)
        self.catch_ups = 0  # requests for missed events, since the start

    async def answer(self, connection: Connection, command: protocol.History) -> None:
        """Reply to a query, one query of a user after the other."""
        async with self._queue.slot(connection.user.id):
            connection.reply(protocol.encode(await self._events(connection, command)))

    async def _events(
        self, connection: Connection, command: protocol.History
    ) -> protocol.HistoryPage | protocol.CatchUp | protocol.MoreRooms:
        if command.rooms_after is not None:
            return await self._more_rooms(connection, command, command.rooms_after)
        if command.rooms is not None:
            return await self._catch_up(connection, command, command.rooms)
        if command.room is None:
            raise BadRequest(_("'room' or 'rooms' is missing."))
        page = await self._page(connection, command, command.room)
        return protocol.HistoryPage(id=command.id, ok=True, **msgspec.structs.asdict(page))

    async def _page(
        self, connection: Connection, command: protocol.History, room: int
    ) -> protocol.RoomPage:
        user = connection.user
        if command.after is None:
            return await self._history.before(user, room, command.before, command.limit)
        if command.before is not None:
            raise BadRequest(_("Use either 'after' or 'before'."))
        self.catch_ups += 1
        cursors = partial(self._hub.cursors, connection)
        return await self._history.after(
            user, room, command.after, limit=command.limit, epoch=command.epoch, cursors=cursors
        )

    async def _catch_up(
        self, connection: Connection, command: protocol.History, positions: dict[int, int]
    ) -> protocol.CatchUp:
        self.catch_ups += 1
        cursors = partial(self._hub.cursors, connection)
        pages, gone = await self._history.catch_up(
            connection.user, positions, command.epoch, cursors
        )
        return protocol.CatchUp(
            id=command.id, ok=True, epoch=self._history.epoch, rooms=pages, gone=gone
        )

    async def _more_rooms(
        self, connection: Connection, command: protocol.History, after: int
    ) -> protocol.MoreRooms:
        states, following = await self._rooms.page_after(
            connection.user.id, after, exclude=connection.welcome_rooms
        )
        return protocol.MoreRooms(
            id=command.id,
            ok=True,
            rooms=[encode_events.welcome_room(state) for state in states],
            rooms_more=following is not None,
            rooms_after=following,
        )

"""HTTP API of messages that a user marks as unread."""

from aiohttp import web

from chatserver.chat.unread_messages import UnreadMessages
from chatserver.web.operations import operation
from chatserver.web.responses import notifications as responses
from chatserver.web.responses import ok
from chatserver.web.room_path import RoomPaths


class UnreadHandlers:
    """Handler of unread marks."""

    def __init__(self, unread: UnreadMessages, paths: RoomPaths) -> None:
        self._unread = unread
        self._paths = paths

    @operation(
        "POST",
        "/api/rooms/{room}/messages/{seq}/unread",
        "mark_unread",
        rate="changes",
        returns=responses.UnreadMark,
    )
    async def mark(self, request: web.Request) -> web.StreamResponse:
        """Make a message and those after it unread for the user, on all devices. Members do not
        see that; a message that is unread already stays so.
        """
        user, message = await self._paths.message(request)
        read = await self._unread.mark(user, message.room, message.seq)
        return ok(room=message.room, read=read)

"""Messages that a user marks as unread."""

from chatserver import protocol
from chatserver.errors import NotFound
from chatserver.models import User
from chatserver.realtime.hub import Hub
from chatserver.realtime.read_positions import ReadPositions
from chatserver.storage.unread_marks import UnreadMarks


class UnreadMessages:
    """Moves read positions back, and sends them to the devices of their user."""

    def __init__(self, marks: UnreadMarks, read_positions: ReadPositions, hub: Hub) -> None:
        self._marks = marks
        self._read_positions = read_positions
        self._hub = hub

    async def mark(self, user: User, room: int, seq: int) -> int:
        """Make the events from `seq` on unread; return the read position. Raises NotFound."""
        self._read_positions.forget(user.id, room)
        read = await self._marks.mark(user.id, room, seq)
        if read is None:
            raise NotFound
        frame = protocol.Read(room=room, user=user.name, seq=read, unread=True)
        self._hub.send_ephemeral(protocol.encode(frame), user=user.id)
        return read

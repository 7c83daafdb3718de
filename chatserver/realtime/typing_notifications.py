"""Typing notifications, which are never stored. Owns their rates."""

from collections.abc import Callable

from chatserver import protocol
from chatserver.errors import RateLimited
from chatserver.limits import Rate
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub

TYPING_RATE = (0.5, 2)  # notifications of one user in one room: a second, and as a burst
ROOM_FRAME_RATE = (2_000, 10_000)  # frames sent to the subscribers of one room
USER_FRAME_RATE = (2_000, 10_000)  # frames sent for one user


class TypingNotifications:
    """Sends that a user is typing to the subscribers of a room."""

    def __init__(self, hub: Hub, *, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self._hub = hub
        self._notifications = Rate(*TYPING_RATE, clock)
        self._room_frames = Rate(*ROOM_FRAME_RATE, clock)
        self._user_frames = Rate(*USER_FRAME_RATE, clock)

    def send(self, connection: Connection, room: int) -> None:
        """Notify the room's subscribers. Dropped for non-members, and above a rate."""
        user = connection.user
        if room not in connection.rooms:
            return
        try:
            self._notifications.take((user.id, room))
            self._room_frames.take(room)
            self._user_frames.take(user.id)
        except RateLimited:
            return
        subscribers = self._hub.subscriptions.count_subscribers(room)
        self._room_frames.charge(room, subscribers)
        self._user_frames.charge(user.id, subscribers)
        frame = protocol.encode(protocol.Typing(room=room, user=user.name))
        self._hub.send_ephemeral(frame, room=room, exclude=connection)

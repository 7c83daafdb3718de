"""Responses about rules for notifications."""

from chatserver.notification_rules import RoomLevel
from chatserver.protocol import Position, PositiveInt, Rules
from chatserver.web.responses import Success


class Notifications(Success):
    """The rules that are in force."""

    rules: Rules


class RoomNotifications(Success):
    """The level of the user for the room."""

    room: PositiveInt
    notify: RoomLevel


class UnreadMark(Success):
    """The read position of the user."""

    room: PositiveInt
    read: Position

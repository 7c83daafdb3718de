"""Changes of rooms and memberships that clients ask for."""

from typing import assert_never

from chatserver import protocol
from chatserver.chat.room_commands import (
    RoomCommands,
    RoomCreation,
    RoomOutcome,
    RoomRequest,
    RoomSettings,
)
from chatserver.errors import BadRequest, _
from chatserver.models import User
from chatserver.protocol import ChangeRoom, encode_events
from chatserver.web.websocket.reply import PendingReply


class RoomChanges:
    """Performs `room` commands."""

    def __init__(self, room_commands: RoomCommands) -> None:
        self._room_commands = room_commands

    async def perform(self, user: User, command: ChangeRoom, reply: PendingReply) -> None:
        def send(outcome: RoomOutcome) -> None:
            reply.send(encode_events.room_changed(outcome.receipt, command.id, outcome.state))

        if command.room is None and command.action != "create":
            raise BadRequest(_("'room' is missing."))
        rooms, request = self._room_commands, RoomRequest(user, command.id, send)
        room = command.room or 0
        match command.action:
            case "create":
                await rooms.create(request, _creation(command))
            case "join":
                await rooms.join(request, room)
            case "invite":
                await rooms.invite(request, room, command.users)
            case "leave":
                await rooms.leave(request, room)
            case "remove":
                await rooms.remove(request, room, command.users)
            case "archive":
                await rooms.archive(request, room, on=command.on)
            case "mute":
                await rooms.mute(user, room, on=command.on)
                reply.send(protocol.Muted(id=command.id, ok=True, room=room, muted=command.on))
            case "favorite":
                await rooms.favor(user, room, on=command.on)
                reply.send(protocol.Favored(id=command.id, ok=True, room=room, favorite=command.on))
            case "change":
                await rooms.change(request, room, _settings(command))
            case _:
                assert_never(command.action)


def _creation(command: ChangeRoom) -> RoomCreation:
    return RoomCreation(command.name, command.title, command.topic, command.private, command.users)


def _settings(command: ChangeRoom) -> RoomSettings:
    return RoomSettings(**{name: getattr(command, name) for name in RoomSettings._fields})

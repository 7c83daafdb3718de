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
from chatserver.web.websocket.reply import Reply


class RoomChanges:
    """Performs `room` commands."""

    def __init__(self, room_commands: RoomCommands) -> None:
        self._room_commands = room_commands

    async def perform(self, user: User, command: ChangeRoom, reply: Reply) -> None:
        def send(outcome: RoomOutcome) -> None:
            reply.send(encode_events.room_changed(outcome.receipt, command.id, outcome.state))

        rooms, request = self._room_commands, RoomRequest(user, command.id, send)
        if command.action == "create":
            room = RoomCreation(
                command.name, command.title, command.topic, command.private, command.users
            )
            await rooms.create(request, room)
        elif command.room is None:
            raise BadRequest(_("'room' is missing."))
        elif command.action == "join":
            await rooms.join(request, command.room)
        elif command.action == "mute":
            await rooms.mute(user, command.room, on=command.on)
            muted = protocol.Muted(id=command.id, ok=True, room=command.room, muted=command.on)
            reply.send(muted)
        else:
            await self._change(request, command, command.room)

    async def _change(self, request: RoomRequest, command: ChangeRoom, room: int) -> None:
        rooms = self._room_commands
        match command.action:
            case "invite":
                await rooms.invite(request, room, command.users)
            case "leave":
                await rooms.leave(request, room)
            case "remove":
                await rooms.remove(request, room, command.users)
            case "archive":
                await rooms.archive(request, room, on=command.on)
            case "change":
                settings = RoomSettings(
                    **{name: getattr(command, name) for name in RoomSettings._fields}
                )
                await rooms.change(request, room, settings)
            case "create" | "join" | "mute":
                raise AssertionError(command.action)
            case _:
                assert_never(command.action)

"""Changes of rooms and memberships that clients ask for."""

from typing import assert_never

from chatserver import protocol
from chatserver.chat.room_commands import NewRoom, OnStored, RoomCommands, RoomOutcome, RoomSettings
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

        rooms, request_id = self._room_commands, command.id
        if command.action == "create":
            room = NewRoom(
                command.name, command.title, command.topic, command.private, command.users
            )
            await rooms.create(user, room, request_id=request_id, on_stored=send)
        elif command.room is None:
            raise BadRequest(_("'room' is missing."))
        elif command.action == "join":
            await rooms.join(user, command.room, request_id=request_id, on_stored=send)
        elif command.action == "mute":
            await rooms.mute(user, command.room, on=command.on)
            muted = protocol.Muted(id=request_id, ok=True, room=command.room, muted=command.on)
            reply.send(muted)
        else:
            await self._change(user, command, command.room, send)

    async def _change(
        self, user: User, command: ChangeRoom, room: int, on_stored: OnStored
    ) -> None:
        rooms, request_id = self._room_commands, command.id
        match command.action:
            case "invite":
                await rooms.invite(
                    user, room, command.users, request_id=request_id, on_stored=on_stored
                )
            case "leave":
                await rooms.leave(user, room, request_id=request_id, on_stored=on_stored)
            case "remove":
                await rooms.remove(
                    user, room, command.users, request_id=request_id, on_stored=on_stored
                )
            case "archive":
                await rooms.archive(
                    user, room, on=command.on, request_id=request_id, on_stored=on_stored
                )
            case "change":
                settings = RoomSettings(
                    **{name: getattr(command, name) for name in RoomSettings._fields}
                )
                await rooms.change(user, room, settings, request_id=request_id, on_stored=on_stored)
            case "create" | "join" | "mute":
                raise AssertionError(command.action)
            case _:
                assert_never(command.action)

"""HTTP API of the rules for notifications."""

import msgspec
from aiohttp import web

from chatserver.chat.notification_settings import NotificationSettings
from chatserver.chat.room_commands import RoomCommands
from chatserver.protocol import Rules
from chatserver.web import forms
from chatserver.web.operations import operation
from chatserver.web.responses import notifications as responses
from chatserver.web.responses import ok
from chatserver.web.room_path import RoomPaths


class NotificationHandlers:
    """Handlers of the rules of a user, and of the user's level for a room."""

    def __init__(
        self, settings: NotificationSettings, room_commands: RoomCommands, paths: RoomPaths
    ) -> None:
        self._settings = settings
        self._room_commands = room_commands
        self._paths = paths

    @operation(
        "GET", "/api/notifications", "notifications", rate="reads", returns=responses.Notifications
    )
    async def show(self, request: web.Request) -> web.StreamResponse:
        """Get the rules by which messages notify the user, on all devices."""
        user = await self._paths.user(request)
        return ok(rules=msgspec.to_builtins(await self._settings.rules(user)))

    @operation(
        "PUT",
        "/api/notifications",
        "set_notifications",
        rate="changes",
        returns=responses.Notifications,
        body=Rules,
    )
    async def put(self, request: web.Request) -> web.StreamResponse:
        """Replace all rules. What is left out gets its default: direct messages and mentions."""
        rules = await forms.read(request, Rules)
        user = await self._paths.user(request)
        return ok(rules=msgspec.to_builtins(await self._settings.replace(user, rules)))

    @operation(
        "PUT",
        "/api/rooms/{room}/notifications",
        "set_room_notifications",
        rate="changes",
        returns=responses.RoomNotifications,
        body=forms.RoomNotifications,
    )
    async def put_of_room(self, request: web.Request) -> web.StreamResponse:
        """Set which messages of a room notify the user. `mentions` is the same as muting it."""
        form = await forms.read(request, forms.RoomNotifications)
        user = await self._paths.user(request)
        room = await self._paths.room(request, user)
        await self._room_commands.set_level(user, room, form.level)
        return ok(room=room, notify=form.level)

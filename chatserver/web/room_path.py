"""Parts of the paths of rooms and messages."""

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from chatserver import protocol
from chatserver.chat.messages import MessageRef
from chatserver.errors import NotFound
from chatserver.models import User
from chatserver.storage.rooms import Rooms
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.query import convert

T = TypeVar("T")

MAX_DIGITS = 20  # Python converts at most a few thousand


class RoomPaths:
    """Converts `{room}`, a number or a name, and `{seq}`."""

    def __init__(self, rooms: Rooms, authenticator: RequestAuthenticator) -> None:
        self._rooms = rooms
        self._authenticator = authenticator

    async def user(self, request: web.Request) -> User:
        return (await self._authenticator.authenticate(request)).user

    async def room(self, request: web.Request, user: User) -> int:
        """Return the number of the room in the path. Raises NotFound."""
        return await self.number(request.match_info["room"], user)

    async def number(self, named: str, user: User) -> int:
        """Return the number of a room given by number or name. Raises NotFound."""
        if named.isascii() and named.isdigit():
            return _number(named)
        room = await self._rooms.find_by_name(named, user.id)
        if room is None:
            raise NotFound
        return room

    async def message(self, request: web.Request) -> tuple[User, MessageRef]:
        user = await self.user(request)
        room = await self.room(request, user)
        return user, MessageRef(room, _number(request.match_info["seq"]))


def _number(digits: str) -> int:
    """Convert the digits of a room or message. Raises NotFound if there cannot be one."""
    if len(digits) > MAX_DIGITS or not 1 <= int(digits) <= protocol.MAX_INT:
        raise NotFound
    return int(digits)


def path_part(request: web.Request, name: str, shape: type[T]) -> T:
    """Convert a part of the path to that type, since commands do not check. Raises BadRequest."""
    return convert(request.match_info[name], shape)


def reply_fields(answer: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of a reply, without those for the WebSocket only."""
    fields: dict[str, Any] = msgspec.to_builtins(answer)
    return {key: value for key, value in fields.items() if key not in ("type", "id", "ok")}

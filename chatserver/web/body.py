"""What clients post: one type per form, decoded and checked from JSON or from a form."""

import asyncio
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from chatserver.errors import BadRequest
from chatserver.protocol import ClientId, Days, Number, RoomName, Title, Topic, UserNames

T = TypeVar("T")

PATIENCE = 30.0  # seconds until all of a body must be here

Locale = Annotated[str, Meta(max_length=16)]
Text = Annotated[str, Meta(max_length=1_000)]


class Credentials(Struct):
    username: Text
    password: Text


class NewAccount(Struct):
    username: Text
    password: Text
    display: Text = ""
    locale: Locale = ""


class Setup(NewAccount, kw_only=True):
    token: Text


class NewUserForm(NewAccount):
    admin: bool = False


class Profile(Struct):
    display: Text | None = None
    locale: Locale | None = None


class NewPassword(Struct):
    old: Text
    password: Text


class UserChange(Struct):
    disabled: bool | None = None
    password: Text | None = None
    display: Text | None = None
    admin: bool | None = None


class NewInvite(Struct):
    uses: Annotated[int, Meta(ge=1, le=10_000)] = 50
    days: Annotated[int, Meta(ge=1, le=365)] = 7
    room: Annotated[str, Meta(max_length=64)] = ""


class RoomOversight(Struct):
    archived: bool | None = None
    retention_days: Days | None = None


class NewMessage(Struct):
    data: str
    id: ClientId | None = None
    reply_to: Number | None = None


class NewText(Struct):
    data: str
    id: ClientId | None = None


class OnlyId(Struct):
    id: ClientId | None = None


class NewRoom(Struct):
    id: ClientId | None = None
    name: RoomName | None = None
    title: Title | None = None
    topic: Topic | None = None
    private: bool | None = None
    users: UserNames | None = None


class RoomChange(Struct):
    id: ClientId | None = None
    name: RoomName | None = None
    title: Title | None = None
    topic: Topic | None = None
    private: bool | None = None
    receipts: bool | None = None
    leavers_read: bool | None = None
    retention_days: Days | None = None
    archived: bool | None = None
    muted: bool | None = None


class NewMembers(Struct):
    id: ClientId | None = None
    users: UserNames | None = None


class NewBot(Struct):
    name: Text
    display: Text = ""
    rooms: list[Text] = []


async def arrived(request: web.Request) -> None:
    """Wait for the whole body. Whoever authenticates after that need not wait for the network:
    a session that ended while its request came in opens nothing.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            await request.read()
    except (ValueError, web.RequestPayloadError) as error:
        raise BadRequest(f"{error}.".replace("`", "'")) from None
    except TimeoutError:
        raise BadRequest("The body took too long to arrive.") from None


async def read(request: web.Request, shape: type[T]) -> T:
    """The body of a request as that type. Raises BadRequest that names the field."""
    content = await request.read()  # it is here: see `arrived`
    try:
        if request.content_type == "application/x-www-form-urlencoded":
            return msgspec.convert(_form(content), shape, strict=False)
        return msgspec.json.decode(content or b"{}", type=shape)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{error}.".replace("`", "'")) from None


def _form(content: bytes) -> dict[str, Any]:
    """A plain form, always UTF-8: that is what our pages send."""
    return dict(parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=50))

"""Request bodies: one type per form, decoded and validated from JSON or a form.

Bodies are UTF-8, uncompressed, and have a deadline, so that a peer can neither choose a codec nor
occupy a connection.
"""

import asyncio
from codecs import BOM_UTF8
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from chatserver.accounts.passwords import LONGEST, SHORTEST
from chatserver.errors import BadRequest, TooLarge, UnsupportedMedia, _
from chatserver.notification_rules import RoomLevel
from chatserver.protocol import (
    ClientId,
    Days,
    FileIds,
    PositiveInt,
    RoomName,
    Title,
    Topic,
    UserNames,
)
from chatserver.text.names import DISPLAY_LENGTH, NAME_LENGTH, SERVER_NAME_LENGTH
from chatserver.web.headers import media_type

T = TypeVar("T")

MAX_BODY = 65_536  # bytes
BODY_TIMEOUT = 30.0  # seconds for the whole body
GRACE_PERIOD = 5.0  # seconds before MIN_BODY_RATE is enforced
MIN_BODY_RATE = 1_024  # bytes per second
CONTENT = web.RequestKey("content", bytes)
UTF_8 = ("", "utf-8", "utf8", "us-ascii")

Locale = Annotated[str, Meta(max_length=16)]
Text = Annotated[str, Meta(max_length=1_000)]


def _text(shortest: int, longest: int) -> Meta:
    """Schema of a text whose length is checked later, after it is trimmed and normalised."""
    return Meta(extra_json_schema={"minLength": shortest, "maxLength": longest})


NewName = Annotated[str, _text(NAME_LENGTH.start, NAME_LENGTH.stop - 1)]
Display = Annotated[str, _text(0, DISPLAY_LENGTH)]
ChosenPassword = Annotated[str, _text(SHORTEST, LONGEST)]


class Credentials(Struct):
    username: Text
    password: Text


class NewAccount(Struct):
    username: NewName
    password: ChosenPassword
    display: Display = ""
    locale: Locale = ""


class Setup(NewAccount, kw_only=True):
    token: Text


class NewUserForm(NewAccount):
    admin: bool = False
    generated: bool = False  # only for the operator


class Profile(Struct):
    display: Display | None = None
    locale: Locale | None = None


class NewPassword(Struct):
    old: Text
    password: ChosenPassword


class UserChange(Struct):
    disabled: bool | None = None
    password: ChosenPassword | None = None
    display: Display | None = None
    admin: bool | None = None


class NewInvite(Struct):
    uses: Annotated[int, Meta(ge=1, le=10_000)] = 50
    days: Annotated[int, Meta(ge=1, le=365)] = 7
    room: Annotated[str, Meta(max_length=64)] = ""


class ServerChange(Struct):
    name: Annotated[str, _text(0, SERVER_NAME_LENGTH)]


class RoomOversight(Struct):
    archived: bool | None = None
    retention_days: Days | None = None


class NewMessage(Struct):
    data: str
    id: ClientId | None = None
    reply_to: PositiveInt | None = None
    files: FileIds | None = None


class NewText(Struct):
    data: str
    id: ClientId | None = None
    files: FileIds | None = None


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
    favorite: bool | None = None


class NewMembers(Struct):
    id: ClientId | None = None
    users: UserNames | None = None


class NewBot(Struct):
    name: NewName
    display: Display = ""
    rooms: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100)] = []


class RoomNotifications(Struct):
    level: RoomLevel


class PushKeys(Struct):
    """Keys of a PushSubscription, in base64url: a point on P-256 and 16 random bytes."""

    p256dh: Annotated[str, Meta(max_length=88)]
    auth: Annotated[str, Meta(max_length=24)]


class PushSubscription(Struct):
    """A browser's PushSubscription; for which messages it gets pushes, and what these say."""

    endpoint: Annotated[str, Meta(max_length=2_000)]
    keys: PushKeys
    level: Literal["all", "calls"] = "calls"
    content: Literal["nothing", "sender", "text"] = "text"


async def read_body(request: web.Request) -> None:
    """Read the whole body before authentication.

    A session that ends while its request arrives must not be accepted. Raises UnsupportedMedia,
    TooLarge, or BadRequest for a body that is malformed or late.
    """
    encoding = request.headers.get("Content-Encoding", "identity")
    if media_type(request)[1] not in UTF_8 or encoding.strip().lower() != "identity":
        raise UnsupportedMedia
    try:
        request[CONTENT] = await _content(request)
    except web.RequestPayloadError as error:
        raise BadRequest(f"{error}.".replace("`", "'")) from None
    except TimeoutError:
        raise BadRequest(_("The body took too long to arrive.")) from None


async def _content(request: web.Request) -> bytes:
    content = bytearray()
    start = asyncio.get_running_loop().time()
    async with asyncio.timeout(GRACE_PERIOD) as timer:
        while piece := await request.content.readany():
            content += piece
            if len(content) > MAX_BODY:
                raise TooLarge
            timer.reschedule(start + min(BODY_TIMEOUT, GRACE_PERIOD + len(content) / MIN_BODY_RATE))
    return bytes(content) or await request.read()  # an outer application may have read it


async def read(request: web.Request, shape: type[T]) -> T:
    """Return the body as that type. Raises BadRequest, which names the invalid field."""
    content = request[CONTENT].removeprefix(BOM_UTF8)
    is_form = media_type(request)[0] == "application/x-www-form-urlencoded"
    try:
        if is_form and not content.lstrip().startswith(b"{"):  # `curl -d` calls JSON a form
            return msgspec.convert(_form(content), shape, strict=False)
        return msgspec.json.decode(content or b"{}", type=shape)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{error}.".replace("`", "'")) from None


def read_text(request: web.Request) -> str:
    """Return the body as text. Raises BadRequest if it is not UTF-8."""
    try:
        return request[CONTENT].decode()
    except UnicodeDecodeError:
        raise BadRequest(_("The text is not UTF-8.")) from None


def _form(content: bytes) -> dict[str, Any]:
    pairs = parse_qsl(content.decode(), keep_blank_values=True, errors="strict", max_num_fields=50)
    return dict(pairs)

"""The wire: one type per message; its docstring says what it means and who receives it.

Commands come from clients, events and answers go to them; `type` is the tag. Decoding validates,
and there is no second validation of shapes anywhere. Pure: bytes in, values out, and back.
"""

from enum import IntEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from chatserver.errors import BadRequest, ChatError, ChatServerError, TooLarge, _
from chatserver.models import LOBBY

MAX_INT = 2**53 - 1  # the largest integer that every JSON reader keeps
HISTORY_LIMIT = 500  # events in one page
CATCH_UP_LIMIT = 1_000  # events in one answer about many rooms
PAGE = 50  # events in a page that names no limit

Number = Annotated[int, Meta(ge=1, le=MAX_INT)]
Position = Annotated[int, Meta(ge=0, le=MAX_INT)]
Limit = Annotated[int, Meta(ge=1, le=HISTORY_LIMIT)]
ClientId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
UserName = Annotated[str, Meta(min_length=1, max_length=64)]


class Type(IntEnum):
    """The number of every message."""

    ERROR = 0
    GROUP_LIST = 1
    GROUP_CHAT = 2
    SINGLE_CHAT = 3
    REPLY = 4
    WELCOME = 5
    PRESENCE = 6
    HISTORY = 7
    RENEW = 14
    HEARTBEAT = 15


class Wire(Struct, kw_only=True, omit_defaults=True, tag_field="type"):
    """What all messages share: one JSON object whose `type` names it."""


# Commands: client to server ---------------------------------------------------------------------


class SayToRoom(Wire, tag=int(Type.GROUP_CHAT)):
    """Say something in a room; without `room` in the lobby, to everybody."""

    data: str
    room: Number = LOBBY
    id: ClientId | None = None
    reply_to: Number | None = None


class SayToPerson(Wire, tag=int(Type.SINGLE_CHAT)):
    """Say something to one person, by name or by the number of the direct room."""

    data: str
    to: UserName | None = None
    room: Number | None = None
    id: ClientId | None = None
    reply_to: Number | None = None


class History(Wire, tag=int(Type.HISTORY)):
    """Ask for a stretch of one room (`after` or `before`), or for what is new in many (`rooms`)."""

    id: ClientId
    room: Number | None = None
    after: Position | None = None
    before: Number | None = None
    limit: Limit = PAGE
    epoch: str | None = None
    rooms: Annotated[dict[Number, Position], Meta(max_length=10_000)] | None = None


class Renew(Wire, tag=int(Type.RENEW)):
    """Prolong the session of this open socket; with `token`, by that newer token."""

    id: ClientId
    token: str | None = None


Command = SayToRoom | SayToPerson | History | Renew


# Events and state: server to clients ------------------------------------------------------------


class Person(Struct, frozen=True):
    """Somebody who is online."""

    name: str
    display: str
    status: str = "online"


class Error(Wire, tag=int(Type.ERROR)):
    """To one socket, right before it is closed: its session is not valid. Log in again."""

    data: str
    code: str


class GroupList(Wire, tag=int(Type.GROUP_LIST)):
    """Who is online, whole. To one socket, once after its welcome."""

    data: list[Person]


class GroupChat(Wire, tag=int(Type.GROUP_CHAT)):
    """Somebody said something in a room. To every device of every member."""

    room: Number
    seq: Number
    user: str
    data: str
    at: int
    id: str | None = None
    reply_to: int | None = None
    edited_at: int | None = None


class SingleChat(Wire, tag=int(Type.SINGLE_CHAT)):
    """Somebody said something to one person. To every device of both."""

    room: Number
    seq: Number
    user: str
    to: str
    data: str
    at: int
    id: str | None = None
    reply_to: int | None = None
    edited_at: int | None = None


class WelcomeSession(Struct, frozen=True):
    """The session of this socket; `expires_at` is in milliseconds UTC."""

    id: str
    expires_at: int


class WelcomeLimits(Struct, frozen=True):
    """What this server accepts."""

    message_chars: int
    frame_bytes: int
    messages_per_second: float
    message_burst: int
    history: int = HISTORY_LIMIT


class WelcomeRoom(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room of this person. `members` counts them; `to` is the other one of a direct room."""

    room: Number
    kind: str
    name: str | None
    title: str
    members: int
    head: int
    read: int
    unread: int
    mentions: int
    muted: bool
    to: str | None = None
    last: GroupChat | SingleChat | None = None


class Welcome(Wire, tag=int(Type.WELCOME)):
    """The first frame of a socket. The live feed of every room starts at its `head` + 1."""

    user: str
    epoch: str
    session: WelcomeSession
    limits: WelcomeLimits
    rooms: list[WelcomeRoom]


class Presence(Wire, tag=int(Type.PRESENCE)):
    """Who came (`online`, as in groupList) and who went (`offline`, names) since the last one.

    To everybody, at most once a second.
    """

    online: list[Person]
    offline: list[str]


class Heartbeat(Wire, tag=int(Type.HEARTBEAT)):
    """The line is alive. To everybody, for browsers, which cannot see pings."""


# Answers: to the socket that asked ---------------------------------------------------------------


class Stored(Wire, tag=int(Type.REPLY)):
    """The message is on disk. `duplicate`: it was already, and this is the first answer again."""

    id: str
    ok: bool
    room: Number
    seq: Number
    at: int
    duplicate: bool = False


class RoomPage(Struct, frozen=True, kw_only=True):
    """A stretch of one room in order; `more`: ask again from where it ends."""

    room: Number
    events: list[GroupChat | SingleChat]
    head: int
    more: bool


class HistoryPage(Wire, tag=int(Type.REPLY)):
    """The answer to `history` of one room."""

    id: str
    ok: bool
    room: Number
    events: list[GroupChat | SingleChat]
    head: int
    more: bool


class CatchUp(Wire, tag=int(Type.REPLY)):
    """The answer to `history` of many rooms; `gone` names those that one may not read."""

    id: str
    ok: bool
    epoch: str
    rooms: list[RoomPage]
    gone: list[int]


class Renewed(Wire, tag=int(Type.REPLY)):
    """The session of this socket lives until `expires_at`; `token` signs in until then."""

    id: str
    ok: bool
    expires_at: int
    token: str


class Refused(Wire, tag=int(Type.REPLY)):
    """The request was refused and nothing was stored. `id` is there when it could be read."""

    ok: bool
    code: str
    data: str
    id: str | None = None
    retry_after: float | None = None
    epoch: str | None = None


Outgoing = (
    Error | GroupList | GroupChat | SingleChat | Welcome | Presence | Heartbeat
)  # fmt: skip
Answer = Stored | HistoryPage | CatchUp | Renewed | Refused


# Bytes to values ----------------------------------------------------------------------------------


class _Head(Struct):
    id: ClientId | None = None


_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_heads = msgspec.json.Decoder(_Head)
_encoder = msgspec.json.Encoder()


class Undecodable(ChatServerError):
    """A frame that is no command: what is wrong, and its request's id if it could be read."""

    def __init__(self, error: ChatError, request_id: str | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.id = request_id


def decode(data: str | bytes, *, limit: int) -> Command:
    """The command in a text frame of at most `limit` bytes. Raises Undecodable."""
    if len(data) > limit or (isinstance(data, str) and len(data.encode()) > limit):
        too_large = TooLarge(_("A frame has at most %(count)d bytes."), count=limit)
        raise Undecodable(too_large, _request_id(data))
    if isinstance(data, bytes):
        raise Undecodable(BadRequest("Frames are text."), None)
    try:
        return _commands.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as mistake:
        error = BadRequest(f"{mistake}.".replace("`", "'"))
        raise Undecodable(error, _request_id(data)) from None


def _request_id(data: str | bytes) -> str | None:
    try:
        return _heads.decode(data).id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


# Values to bytes ----------------------------------------------------------------------------------


def encode(message: Outgoing | Answer) -> bytes:
    """A message as one unmasked text frame, ready for any number of sockets."""
    return frame(_encoder.encode(message))


def text(message: Outgoing | Answer) -> str:
    """A message as the text of a frame."""
    return _encoder.encode(message).decode()


def frame(payload: bytes) -> bytes:
    """RFC 6455, 5.2: a final text frame of a server."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload

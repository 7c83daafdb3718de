"""What HTTP answers look like. The handlers write them field by field; tests hold both together.

What the socket answers too is not written down again: `over_http` takes it from there.
"""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import msgspec
from msgspec import Struct

from chatserver import protocol
from chatserver.models import Role
from chatserver.storage.overview import Conversation, House, Resident, Robot
from chatserver.storage.rooms import PublicRoom

ONLY_ON_SOCKETS = {"id", "ok"}


def over_http(shape: Any, name: str) -> Any:
    """The facts of a type as an answer of their own."""
    listed: Any = fields(shape) if is_dataclass(shape) else msgspec.structs.fields(shape)
    kept = [_field(field, shape) for field in listed if field.name not in ONLY_ON_SOCKETS]
    return msgspec.defstruct(name, kept, bases=(Answer,), kw_only=True, omit_defaults=True)


def _field(field: Any, shape: Any) -> tuple[Any, ...]:
    if is_dataclass(shape) or field.required:
        return field.name, field.type
    return field.name, field.type, field.default


class Answer(Struct, kw_only=True, omit_defaults=True):
    """A success."""

    ok: Literal[1]


class Refusal(Struct, kw_only=True, omit_defaults=True):
    """Nothing was done. `code` is for programs, `data` one sentence for people."""

    ok: Literal[0]
    code: str
    data: str
    retry_after: float | None = None
    epoch: str | None = None


# Accounts ----------------------------------------------------------------------------------------


class SignedIn(Answer):
    """The token is in the header Authorization, for browsers in the session cookie."""

    user: str


class Joined(SignedIn):
    """`room`: the one that the invitation led into, of which the new user is a member."""

    room: protocol.Number | None = None


class EnteredRoom(Answer):
    room: protocol.Number


class LoggedOut(Answer):
    """`pending`: the end of the session is in force on this node and will be stored later."""

    pending: bool = False


class Account(Struct):
    """An account. Two display names with one `look` cannot be told apart; ASCII ones have none."""

    name: str
    display: str
    role: Role
    locale: str
    disabled: bool
    look: str = ""


class OneAccount(Answer):
    user: Account


class Accounts(Answer):
    """`more` is there with `limit`: whether accounts follow."""

    users: list[Account]
    more: bool = False


class DeletedAccount(Answer):
    """`messages`: how many were deleted with it; only there if that was asked for."""

    messages: int = 0


class NewBotAccount(Answer):
    """`token` is shown this once."""

    user: Account
    token: str


class BotToken(Answer):
    """Shown this once."""

    token: str


class GeneratedPassword(Answer):
    """Shown this once."""

    password: str


class Invitation(Struct):
    """`url` is what one sends to people. `title` names the `room` that it leads into, if any."""

    code: str
    url: str
    created_by: str
    created_at: int
    expires_at: int
    uses_left: int
    room: int | None
    title: str | None


class Invitations(Answer):
    """`addresses`: what links can begin with so that other devices reach them, the best first."""

    invites: list[Invitation]
    addresses: list[str]


class AddressedInvitation(Invitation):
    """`addresses`: as for the list of invitations; `url` begins with the first one."""

    addresses: list[str] = []


NewInvitation = over_http(AddressedInvitation, "NewInvitation")


class SignInPlace(Struct):
    """A session. `current`: the one that asks. Times are in milliseconds UTC."""

    id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    client: str
    current: bool


class SignInPlaces(Answer):
    sessions: list[SignInPlace]


class ProlongedSession(Answer):
    """`expires_at` is in milliseconds UTC."""

    expires_at: int


class SetupToken(Answer):
    token: str


class NewKey(Answer):
    """The key `signs` now; else it is published, and signs after the next call."""

    kid: str
    signs: bool


# Administration ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResidentNow(Resident):
    """Somebody who has an account. Times in ms; `last_seen_at` is null for who never came.

    `online`: on any node, now; then `last_seen_at` is some minutes old.
    """

    online: bool


class Residents(Answer):
    """Everybody but the bots."""

    people: list[ResidentNow]


class Houses(Answer):
    """The rooms that have a name."""

    rooms: list[House]


class Conversations(Answer):
    """Conversations without a name, the largest first; `more`: there are more than `limit`."""

    conversations: list[Conversation]
    more: bool


class Robots(Answer):
    bots: list[Robot]


class SelfCheck(Answer):
    """What the server knows about itself, and about the way that the request took to it.

    `at` is its clock in milliseconds UTC; `forwarded`: there were headers of a proxy, `trusted`:
    they are believed; sizes are in bytes; `waiting` messages are not stored yet.
    """

    version: str
    at: int
    origin: str
    public_url: str
    addresses: list[str]
    secure: bool
    forwarded: bool
    trusted: bool
    database: str
    revision: str | None
    newest_revision: str
    durability: str
    storing: bool
    waiting: int
    connections: int
    database_bytes: int
    disk_free: int


# The conversation --------------------------------------------------------------------------------


class RoomList(Answer):
    """One's own rooms by number, and those that one may join by name: at most 500 of each.

    While there are more, `rooms_after` and `public_after` are there: ask again with one of them for
    the next of that kind alone.
    """

    rooms: list[protocol.WelcomeRoom] | None = None
    public: list[PublicRoom] | None = None
    rooms_more: bool = False
    rooms_after: int | None = None
    public_more: bool = False
    public_after: str | None = None


class RoomMember(Struct, omit_defaults=True):
    """`role` is admin or member; `read`, where the room shows it, how far this member has read."""

    name: str
    display: str
    role: str
    read: int | None = None


class MemberList(Answer):
    room: protocol.Number
    members: list[RoomMember]


class Found(Struct, omit_defaults=True):
    """A message that matches."""

    room: protocol.Number
    seq: protocol.Number
    user: str
    data: str
    at: int
    edited_at: int | None = None


class Hits(Answer):
    """Newest first. `position` asks for those that follow; null when `more` is false."""

    hits: list[Found]
    more: bool
    position: int | None


class Stretch(protocol.RoomPage, frozen=True):
    """Of one room; `epoch` names the log that its positions belong to."""

    epoch: str


OwnRoom = over_http(protocol.WelcomeRoom, "OwnRoom")
OpenRoom = over_http(PublicRoom, "OpenRoom")
StoredMessage = over_http(protocol.Stored, "StoredMessage")
ChangedRoom = over_http(protocol.RoomChanged, "ChangedRoom")
MutedRoom = over_http(protocol.Muted, "MutedRoom")
EventPage = over_http(Stretch, "EventPage")


# For whoever watches the server ------------------------------------------------------------------


class Ready(Struct, omit_defaults=True):
    """`ok` is 0 when messages cannot be stored now, for the `reason`; `durability`: how firmly."""

    ok: Literal[0, 1]
    database: str
    revision: str | None
    durability: str
    reason: str = ""

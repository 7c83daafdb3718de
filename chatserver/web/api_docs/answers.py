"""Types of the HTTP responses. The handlers write them field by field; tests compare both.

Responses that the socket has too are derived from its replies by `over_http`.
"""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import msgspec
from msgspec import Struct

from chatserver import protocol
from chatserver.models import Role
from chatserver.storage.overview import AdminBot, AdminConversation, AdminRoom, AdminUser
from chatserver.storage.rooms import PublicRoom

ONLY_ON_SOCKETS = {"id", "ok"}


def over_http(shape: Any, name: str) -> Any:
    """Derive an HTTP response type from the fields of another type."""
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
    """Nothing was done. `code` is for programs, `data` is a sentence for users."""

    ok: Literal[0]
    code: str
    data: str
    retry_after: float | None = None
    epoch: str | None = None


# Accounts -----------------------------------------------------------------------------------------


class SignedIn(Answer):
    """The token is in the header Authorization; browsers get it in the session cookie."""

    user: str


class Joined(SignedIn):
    """`room`: the room of the invitation, which the new user has joined."""

    room: protocol.Number | None = None


class EnteredRoom(Answer):
    room: protocol.Number


class LoggedOut(Answer):
    """`pending`: the session has ended on this node, which is not stored yet."""

    pending: bool = False


class Account(Struct):
    """An account. Display names with the same `look` are confusable; ASCII ones have no `look`."""

    name: str
    display: str
    role: Role
    locale: str
    disabled: bool
    look: str = ""


class OneAccount(Answer):
    user: Account


class Accounts(Answer):
    """`more` is set in answers to requests with `limit`: there are more accounts."""

    users: list[Account]
    more: bool = False


class DeletedAccount(Answer):
    """`messages`: number of deleted messages; only set if the request deletes them."""

    messages: int = 0


class NewBotAccount(Answer):
    """`token` is shown only once."""

    user: Account
    token: str


class BotToken(Answer):
    """Shown this once."""

    token: str


class GeneratedPassword(Answer):
    """Shown this once."""

    password: str


class Invitation(Struct):
    """`url` is the link to send. `title` is the title of the `room` to join, if any."""

    code: str
    url: str
    created_by: str
    created_at: int
    expires_at: int
    uses_left: int
    room: int | None
    title: str | None


class Invitations(Answer):
    """`addresses`: base URLs at which other devices can reach the server, best first."""

    invites: list[Invitation]
    addresses: list[str]


class AddressedInvitation(Invitation):
    """`addresses`: as in the list of invitations; `url` starts with the first one."""

    addresses: list[str] = []


NewInvitation = over_http(AddressedInvitation, "NewInvitation")


class SignInPlace(Struct):
    """A session. `current`: it is the session of this request. Times are in milliseconds UTC."""

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
    """`signs`: the key signs now; otherwise it is published, and signs after the next call."""

    kid: str
    signs: bool


# Administration -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResidentNow(AdminUser):
    """A user. Times in ms; `last_seen_at` is null for users who never signed in.

    `online`: the user is online on some node; `last_seen_at` is then up to some minutes old.
    """

    online: bool


class Residents(Answer):
    """All users except bots."""

    people: list[ResidentNow]


# The next three only keep the schema names that generated clients use.
@dataclass(frozen=True, slots=True)
class House(AdminRoom):
    __doc__ = AdminRoom.__doc__


@dataclass(frozen=True, slots=True)
class Robot(AdminBot):
    __doc__ = AdminBot.__doc__


@dataclass(frozen=True, slots=True)
class Conversation(AdminConversation):
    __doc__ = AdminConversation.__doc__


class Houses(Answer):
    """All rooms that have a name."""

    rooms: list[House]


class Conversations(Answer):
    """Conversations without a name, largest first; `more`: there are more than `limit`."""

    conversations: list[Conversation]
    more: bool


class Robots(Answer):
    bots: list[Robot]


class SelfCheck(Answer):
    """Self-check of the server and of the path that the request took.

    `at` is the server's clock in milliseconds UTC; `forwarded`: the request has headers of a proxy;
    `trusted`: the server trusts them; `waiting` is the number of messages that are not stored yet.
    Sizes are in bytes.
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


# Rooms and messages -------------------------------------------------------------------------------


class RoomList(Answer):
    """The user's rooms by number, and rooms that the user can join by name: at most 500 of each.

    `rooms_after` and `public_after` are set while there are more: request the next rooms of that
    kind with one of them.
    """

    rooms: list[protocol.WelcomeRoom] | None = None
    public: list[PublicRoom] | None = None
    rooms_more: bool = False
    rooms_after: int | None = None
    public_more: bool = False
    public_after: str | None = None


class RoomMember(Struct, omit_defaults=True):
    """`role` is admin or member; `read` is the read position, if the room shows receipts."""

    name: str
    display: str
    role: str
    read: int | None = None


class MemberList(Answer):
    room: protocol.Number
    members: list[RoomMember]


class Found(Struct, omit_defaults=True):
    """A matching message."""

    room: protocol.Number
    seq: protocol.Number
    user: str
    data: str
    at: int
    edited_at: int | None = None


class Hits(Answer):
    """Hits, newest first. `position` requests the next page; null if `more` is false."""

    hits: list[Found]
    more: bool
    position: int | None


class Stretch(protocol.RoomPage, frozen=True):
    """Events of one room; `epoch` identifies the log that the positions belong to."""

    epoch: str


OwnRoom = over_http(protocol.WelcomeRoom, "OwnRoom")
OpenRoom = over_http(PublicRoom, "OpenRoom")
StoredMessage = over_http(protocol.Stored, "StoredMessage")
ChangedRoom = over_http(protocol.RoomChanged, "ChangedRoom")
MutedRoom = over_http(protocol.Muted, "MutedRoom")
EventPage = over_http(Stretch, "EventPage")


# Monitoring ---------------------------------------------------------------------------------------


class Ready(Struct, omit_defaults=True):
    """`ok` is 0 if messages cannot be stored, for the `reason`.

    `durability` is the database's setting for flushing commits to disk.
    """

    ok: Literal[0, 1]
    database: str
    revision: str | None
    durability: str
    reason: str = ""

"""Messages from client to server. The reply to a command has its `id`."""

from typing import Annotated

from msgspec import Meta

from chatserver.models import LOBBY
from chatserver.protocol.base import (
    DEFAULT_LIMIT,
    Action,
    ClientId,
    Days,
    Emoji,
    FileIds,
    Limit,
    Position,
    PositiveInt,
    RoomName,
    Title,
    Topic,
    Type,
    UserName,
    UserNames,
    Wire,
)


class SayToRoom(Wire, tag=int(Type.GROUP_CHAT)):
    """Send a message to a room; without `room`, to the lobby.

    `files` are ids of the user's uploads; `data` may be empty if there are some.
    """

    data: str
    room: PositiveInt = LOBBY
    id: ClientId | None = None
    reply_to: PositiveInt | None = None
    files: FileIds | None = None


class SayToPerson(Wire, tag=int(Type.SINGLE_CHAT)):
    """Send a message to another user, by name or by the number of the direct room."""

    data: str
    to: UserName | None = None
    room: PositiveInt | None = None
    id: ClientId | None = None
    reply_to: PositiveInt | None = None
    files: FileIds | None = None


class History(Wire, tag=int(Type.HISTORY)):
    """Request events of one room (`after` or `before`), or new events of many rooms (`rooms`).

    With `rooms_after` alone: request rooms that the welcome did not have.
    """

    id: ClientId
    room: PositiveInt | None = None
    after: Position | None = None
    before: PositiveInt | None = None
    limit: Limit = DEFAULT_LIMIT
    epoch: str | None = None
    rooms: Annotated[dict[PositiveInt, Position], Meta(max_length=10_000)] | None = None
    rooms_after: Position | None = None


class Renew(Wire, tag=int(Type.RENEW)):
    """Extend the session of this socket; with `token`, switch to that token's session."""

    id: ClientId
    token: str | None = None


class StartTyping(Wire, tag=int(Type.TYPING)):
    """Report that the user is typing in a room. Gets no reply."""

    room: PositiveInt


class MarkRead(Wire, tag=int(Type.READ)):
    """Set the user's read position in a room. It only moves forward. Gets no reply."""

    room: PositiveInt
    seq: PositiveInt


class ReportVisible(Wire, tag=int(Type.VISIBLE)):
    """Report whether the user looks at this client; valid for 90 seconds. Gets no reply.

    A user gets no push while any of the user's clients is visible.
    """

    visible: bool


class EditMessage(Wire, tag=int(Type.EDIT)):
    """Replace the text of one of the user's own messages.

    `files` replaces its files: those that are left out are deleted. Without it they stay.
    """

    id: ClientId
    room: PositiveInt
    target: PositiveInt
    data: str
    files: FileIds | None = None


class DeleteMessage(Wire, tag=int(Type.DELETE)):
    """Delete the text of the user's own message, or of any as an administrator of the room."""

    id: ClientId
    room: PositiveInt
    target: PositiveInt


class ReactTo(Wire, tag=int(Type.REACT)):
    """Add (`on`) or remove a reaction. A user has each emoji once on a message.

    `emoji` is one of Unicode's RGI emoji, stored and sent fully qualified: "❤" becomes "❤️".
    """

    id: ClientId
    room: PositiveInt
    target: PositiveInt
    emoji: Emoji
    on: bool = True


class ChangeRoom(Wire, tag=int(Type.ROOM)):
    """Create, join, leave, change, archive or mute a room, or invite or remove members.

    `favorite` marks the room for its user only, as `mute` does. `users` are the users to invite or
    remove, or the first members. `on: false` reverts `archive`, `mute` and `favorite`.
    `retention_days: 0` keeps messages forever.
    """

    id: ClientId
    action: Action
    room: PositiveInt | None = None
    name: RoomName | None = None
    title: Title | None = None
    topic: Topic | None = None
    private: bool | None = None
    users: UserNames | None = None
    receipts: bool | None = None
    leavers_read: bool | None = None
    retention_days: Days | None = None
    on: bool = True


Command = (
    SayToRoom
    | SayToPerson
    | History
    | StartTyping
    | MarkRead
    | ReportVisible
    | EditMessage
    | DeleteMessage
    | ReactTo
    | ChangeRoom
    | Renew
)

"""From client to server. `id` names the request; its answer carries it back."""

from typing import Annotated

from msgspec import Meta

from chatserver.models import LOBBY
from chatserver.protocol.base import (
    PAGE,
    Action,
    ClientId,
    Days,
    Emoji,
    Limit,
    Number,
    Position,
    RoomName,
    Title,
    Topic,
    Type,
    UserName,
    UserNames,
    Wire,
)


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
    """Ask for a stretch of one room (`after` or `before`), or for what is new in many (`rooms`).

    With `rooms_after` alone: ask for more of the rooms that a welcome did not have.
    """

    id: ClientId
    room: Number | None = None
    after: Position | None = None
    before: Number | None = None
    limit: Limit = PAGE
    epoch: str | None = None
    rooms: Annotated[dict[Number, Position], Meta(max_length=10_000)] | None = None
    rooms_after: Position | None = None


class Renew(Wire, tag=int(Type.RENEW)):
    """Prolong the session of this open socket; with `token`, by that newer token."""

    id: ClientId
    token: str | None = None


class StartTyping(Wire, tag=int(Type.TYPING)):
    """I am writing in this room. Never answered."""

    room: Number


class MarkRead(Wire, tag=int(Type.READ)):
    """I have read this room up to `seq`. Positions only move forward. Never answered."""

    room: Number
    seq: Number


class EditMessage(Wire, tag=int(Type.EDIT)):
    """Give a message of mine another text."""

    id: ClientId
    room: Number
    target: Number
    data: str


class DeleteMessage(Wire, tag=int(Type.DELETE)):
    """Take the text of a message away for good: mine, or as an administrator of the room."""

    id: ClientId
    room: Number
    target: Number


class ReactTo(Wire, tag=int(Type.REACT)):
    """Put an emoji to a message (`on`), or take it back. Each person once per emoji.

    It is one of Unicode's RGI emoji, stored and sent fully qualified: "❤" is "❤️".
    """

    id: ClientId
    room: Number
    target: Number
    emoji: Emoji
    on: bool = True


class ChangeRoom(Wire, tag=int(Type.ROOM)):
    """Make a room, join, leave, invite, remove, change, archive or mute one.

    `users` are those to invite or remove, or the first members. `on: false` takes `archive` and
    `mute` back. `retention_days: 0` keeps messages for ever.
    """

    id: ClientId
    action: Action
    room: Number | None = None
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
    | EditMessage
    | DeleteMessage
    | ReactTo
    | ChangeRoom
    | Renew
)

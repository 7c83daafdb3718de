"""The nouns: frozen values without behaviour of their own. Times are integer milliseconds UTC."""

import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

LOBBY = 1  # the room that every account belongs to
EVERYBODY = 0  # stands for a user id where @all is meant
OWN_ID = "\x01"  # begins the ids that we give to messages without one; no client can send it


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"
    BOT = "bot"


class RoomKind(StrEnum):
    GROUP = "group"
    DIRECT = "direct"


def name_key(name: str) -> str:
    """The form in which two user names are compared: NFKC, then case folded, then NFKC again."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


@dataclass(frozen=True, slots=True)
class User:
    id: int
    name: str
    display: str
    role: Role = Role.MEMBER
    locale: str = ""
    disabled: bool = False

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in on one device, alive until `expires_at` or until it is revoked."""

    id: str
    user: User
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Invite:
    code: str
    created_by: str
    expires_at: int
    uses_left: int


class Kind(IntEnum):
    """What an event is; the numbers are those of the wire."""

    MESSAGE = 2
    EDIT = 10
    DELETE = 11
    REACT = 12
    ROOM = 13


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a room's log. `to` is set in direct rooms: the one it was said to.

    `data` is the text of a message or of an edit as it is now, and the emoji of a reaction;
    `change` are the facts of a room event. `people` are the user ids of a direct room, who hear
    it whether they know the room yet or not; `joined` and `left` those whose membership it
    changes.
    """

    room: int
    seq: int
    user: str
    data: str
    at: int
    id: str | None = None
    to: str | None = None
    reply_to: int | None = None
    edited_at: int | None = None
    kind: Kind = Kind.MESSAGE
    deleted_at: int | None = None
    target: int | None = None
    on: bool = True
    change: dict[str, Any] = field(default_factory=dict)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    people: tuple[int, ...] = ()
    author: int = 0
    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RoomState:
    """A room as one member sees it.

    `members` counts them; `to` names the other one of a direct room.
    """

    room: int
    kind: RoomKind
    name: str | None
    title: str
    members: int
    head: int
    read: int
    unread: int
    mentions: int
    muted: bool
    topic: str = ""
    private: bool = False
    archived: bool = False
    receipts: bool = False
    admin: bool = False
    to: str | None = None
    last: Event | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a room's log, in order. `more` says that `limit` cut it."""

    room: int
    events: list[Event]
    head: int
    more: bool


@dataclass(frozen=True, slots=True)
class Message:
    """Say something. `mentions` are the user ids that it calls by name, EVERYBODY for @all."""

    data: str
    to: str | None = None
    reply_to: int | None = None
    mentions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """Give a message of one's own another text, if it was said at or after `since` (ms)."""

    target: int
    data: str
    mentions: tuple[int, ...] = ()
    since: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Take the text of a message away: by its author or by an administrator of the room."""

    target: int


@dataclass(frozen=True, slots=True)
class React:
    """Put an emoji to a message, or take it back."""

    target: int
    emoji: str
    on: bool


@dataclass(frozen=True, slots=True)
class Create:
    """Make a room with these members besides oneself, its administrator."""

    title: str
    name: str | None = None
    topic: str = ""
    private: bool = False
    users: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Enrol:
    """Make people members: oneself (`join`) or others (`invite`)."""

    action: str
    users: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Dismiss:
    """End memberships: one's own (`leave`) or others' (`remove`)."""

    action: str
    users: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Set what is given of a room: name, title, topic, private, archived, receipts and so on."""

    action: str
    values: dict[str, Any]


Act = Message | Edit | Delete | React | Create | Enrol | Dismiss | Change


@dataclass(frozen=True, slots=True)
class Draft:
    """Something that somebody wants stored as an event. `id` is unique per sender for ever.

    `own_id`: the client sent none, the id is ours and nobody sees it. `room` is 0 for a new room.
    """

    room: int
    user_id: int
    user: str
    id: str
    digest: str
    act: Act
    admin: bool = False
    people: tuple[int, ...] = ()
    own_id: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an event stands in its room's log.

    `duplicate`: it stood there before, and has no `event`.
    """

    room: int
    seq: int
    at: int
    duplicate: bool = False
    event: Event | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What never changes about a room. `pair` names the two of a direct room, by user id."""

    room: int
    kind: RoomKind
    pair: tuple[tuple[int, str], ...] = ()

    @property
    def people(self) -> tuple[int, ...]:
        return tuple(user_id for user_id, _ in self.pair)

    def partner(self, user_id: int) -> str | None:
        """Whom this person speaks to here; None in a group. Oneself in a room of one's own."""
        if not self.pair:
            return None
        return next((name for other, name in self.pair if other != user_id), self.pair[0][1])

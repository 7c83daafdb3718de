"""The nouns: frozen values without behaviour of their own. Times are integer milliseconds UTC."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LOBBY = 1  # the room that every account belongs to
OWN_ID = "\x01"  # begins the ids that we give to messages without one; no client can send it


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"


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


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a room's log. `to` is set in direct rooms: the one it was said to.

    `people` are the user ids of a direct room, who hear it whether they know the room yet or not.
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
    people: tuple[int, ...] = ()


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
    muted: bool
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
class Draft:
    """A message that somebody wants stored. `id` is unique per sender for ever.

    `own_id`: the client sent none, the id is ours and nobody sees it.
    """

    room: int
    user_id: int
    user: str
    data: str
    id: str
    digest: str
    to: str | None = None
    reply_to: int | None = None
    people: tuple[int, ...] = ()
    own_id: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message stands in its room's log. `duplicate`: it stood there before."""

    room: int
    seq: int
    at: int
    duplicate: bool = False


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

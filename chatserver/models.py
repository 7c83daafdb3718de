"""The nouns: frozen values without behaviour of their own. Times are integer milliseconds UTC."""

from enum import IntEnum, StrEnum
from typing import Any

from msgspec import Struct

from chatserver.text.normalization import nfkc

LOBBY = 1  # the room that every account belongs to
ALL_MEMBERS = 0  # stands for a user id where @all is meant
MAX_CLOCK_LEAD = 3_600_000  # ms ahead of now: what was made later than that, a wrong clock has made
GENERATED_PREFIX = (
    "\x01"  # begins the ids that we give to messages without one; no client can send it
)


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"
    BOT = "bot"


class RoomKind(StrEnum):
    GROUP = "group"
    DIRECT = "direct"


class Value(Struct, frozen=True, gc=False):
    """A noun. msgspec makes one in a tenth of a dataclass's time, and none is ever in a cycle."""


def name_key(name: str) -> str:
    """The form in which two names are compared: NFKC, stripped, case folded, then NFKC again.

    It never ends in a space: MariaDB would take "ann" and "ann " for one name, SQLite for two.
    """
    return nfkc(nfkc(name).strip().casefold()).strip()


class User(Value, frozen=True):
    """An account. `password_version` counts changes of its password; a session is opened only
    while the version that was verified is the present one.
    """

    id: int
    name: str
    display: str
    role: Role = Role.MEMBER
    locale: str = ""
    disabled: bool = False
    password_version: int = 0

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


class Session(Value, frozen=True):
    """A sign-in on one device, alive until `expires_at` or until it is revoked."""

    id: str
    user: User
    created_at: int
    expires_at: int


class Invite(Value, frozen=True):
    """An invitation. `room` and `title` are those of the room that it leads into, if any."""

    code: str
    created_by: str
    created_at: int
    expires_at: int
    uses_left: int
    room: int | None = None
    title: str | None = None
    archived: bool = False  # the room


class Kind(IntEnum):
    """What an event is; the numbers are those of the wire."""

    MESSAGE = 2
    EDIT = 10
    DELETE = 11
    REACT = 12
    ROOM = 13


class Event(Value, frozen=True):
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
    change: dict[str, Any] = {}
    reactions: dict[str, list[str]] = {}
    people: tuple[int, ...] = ()
    author: int = 0
    joined: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


class RoomState(Value, frozen=True):
    """A room as one member sees it.

    `members` is the number of members; `to` is the name of the other user of a direct room.
    `at_least`: not all messages were counted, so `unread` and `mentions` may be higher.
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
    at_least: bool = False
    last: Event | None = None


class Message(Value, frozen=True):
    """Say something. `mentions` are the keys of the names that it calls, whoever has them."""

    data: str
    to: str | None = None
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()


class Edit(Value, frozen=True):
    """Give a message of one's own another text, if it was said at or after `since` (ms)."""

    target: int
    data: str
    mentions: tuple[str, ...] = ()
    since: int = 0


class Delete(Value, frozen=True):
    """Take the text of a message away: by its author or by an administrator of the room.

    `outside`: the author need not belong to the room, nor have an account that is open.
    """

    target: int
    outside: bool = False


class React(Value, frozen=True):
    """Put an emoji to a message, or take it back."""

    target: int
    emoji: str
    on: bool


class Create(Value, frozen=True):
    """Make a room with these members besides oneself, its administrator."""

    title: str
    name: str | None = None
    topic: str = ""
    private: bool = False
    users: tuple[tuple[int, str], ...] = ()


class Enrol(Value, frozen=True):
    """Make people members: oneself (`join`) or others (`invite`).

    `invited` is the code of an invitation that leads there: it opens a private room to oneself.
    `spends`: joining takes one of its uses.
    """

    action: str
    users: tuple[tuple[int, str], ...]
    invited: str = ""
    spends: bool = False


class Dismiss(Value, frozen=True):
    """End memberships: one's own (`leave`) or others' (`remove`).

    `outside`: the account is deleted, so it is no member with rights any more.
    """

    action: str
    users: tuple[tuple[int, str], ...]
    outside: bool = False


class Change(Value, frozen=True):
    """Set what is given of a room: name, title, topic, private, archived, receipts and so on.

    `outside`: by an administrator of the server, who need not belong to it.
    """

    action: str
    values: dict[str, Any]
    outside: bool = False


class Dissolve(Value, frozen=True):
    """End all memberships of a conversation without a name, by an administrator of the server."""


Act = Message | Edit | Delete | React | Create | Enrol | Dismiss | Change | Dissolve


class Draft(Value, frozen=True):
    """An event that waits to be stored. `id` is unique per sender for ever.

    `generated_id`: the client sent no id; the server made one, which clients never see. `room` is 0
    for a new room. Not `resolved`: storage looks up the room, or the direct room with the user
    whose name is `to`, and sets `people` and `digest`.
    """

    room: int
    user_id: int
    user: str
    id: str
    digest: str
    act: Act
    people: tuple[int, ...] = ()
    generated_id: bool = False
    to: str | None = None
    resolved: bool = True

    @property
    def moves(self) -> tuple[int, ...]:
        """The user ids of those whose membership it changes."""
        match self.act:
            case Create(users=users):
                return (self.user_id, *[user_id for user_id, _ in users])
            case Enrol(users=users) | Dismiss(users=users):
                return tuple([user_id for user_id, _ in users])
            case _:
                return ()


class Receipt(Value, frozen=True):
    """Where an event stands in its room's log.

    `duplicate`: it stood there before, and has no `event`. `people`: as in the draft.
    """

    room: int
    seq: int
    at: int
    duplicate: bool = False
    event: Event | None = None
    people: tuple[int, ...] = ()


class RoomFacts(Value, frozen=True):
    """What never changes about a room. `pair` names the two of a direct room, by user id."""

    room: int
    kind: RoomKind
    pair: tuple[tuple[int, str], ...] = ()

    @property
    def people(self) -> tuple[int, ...]:
        return tuple([user_id for user_id, _ in self.pair]) if self.pair else ()

    def partner(self, user_id: int) -> str | None:
        """Whom this person speaks to here; None in a group. Oneself in a room of one's own."""
        if not self.pair:
            return None
        return next((name for other, name in self.pair if other != user_id), self.pair[0][1])

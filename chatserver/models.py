"""Domain model: frozen values. Times are integer milliseconds UTC."""

from enum import IntEnum, StrEnum
from typing import Any

from msgspec import Struct

from chatserver.text.normalization import nfkc

LOBBY = 1  # the room that every account belongs to
ALL_MEMBERS = 0  # user id of a mention of @all
GENERATED_PREFIX = "\x01"  # prefix of ids that the server generates; no client can send it


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"
    BOT = "bot"


class RoomKind(StrEnum):
    GROUP = "group"
    DIRECT = "direct"


class Value(Struct, frozen=True, gc=False):
    """Base class. msgspec creates values ten times faster than dataclasses; none is in a cycle."""


def name_key(name: str) -> str:
    """Return the form in which names are compared: NFKC, stripped, case folded, NFKC again.

    It never ends in a space: for MariaDB "ann" and "ann " are equal, for SQLite they are not.
    """
    return nfkc(nfkc(name).strip().casefold()).strip()


class User(Value, frozen=True):
    """An account. Only while its `password_version` is the verified one, a session is created."""

    id: int
    name: str
    display: str
    role: Role = Role.MEMBER
    locale: str = ""
    disabled: bool = False
    password_version: int = 0
    deleted: bool = False
    picture: str | None = None  # id of a file

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN


class Session(Value, frozen=True):
    """A login on one device, valid until `expires_at` or until it is revoked."""

    id: str
    user: User
    created_at: int
    expires_at: int


class EventKind(IntEnum):
    """Kind of an event; the numbers are those of the protocol."""

    MESSAGE = 2
    EDIT = 10
    DELETE = 11
    REACT = 12
    ROOM = 13


class Event(Value, frozen=True):
    """One entry of a room's log.

    `user_id`: of its author. `to`: the recipient, in direct rooms. `data`: the present text of a
    message or an edit, or the emoji of a reaction. `files`: its present files, as a JSON array.
    `change`: the changed properties of a room event. `participants`: the user ids of a direct room,
    who receive the event even if they are not subscribed yet. `joined_ids`, `left_ids`: user ids
    whose memberships it begins or ends.
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
    kind: EventKind = EventKind.MESSAGE
    deleted_at: int | None = None
    target: int | None = None
    on: bool = True
    change: dict[str, Any] = {}
    reactions: dict[str, list[str]] = {}
    participants: tuple[int, ...] = ()
    user_id: int = 0
    joined_ids: tuple[int, ...] = ()
    left_ids: tuple[int, ...] = ()
    files: str = ""


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
    favorite: bool = False
    notify: str = "default"
    to: str | None = None
    at_least: bool = False
    last: Event | None = None


class Post(Value, frozen=True):
    """Post a message. `mentions` are keys of names, also of unknown ones; `files` are ids."""

    data: str
    to: str | None = None
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    files: tuple[str, ...] | None = None


class Edit(Value, frozen=True):
    """Change the sender's own message, if posted at or after `since` (ms). None keeps `files`."""

    target: int
    data: str
    mentions: tuple[str, ...] = ()
    since: int = 0
    files: tuple[str, ...] | None = None


class Delete(Value, frozen=True):
    """Remove the text of a message, by its author or by an administrator of the room.

    `of_deleted_account`: the author need not be a member of the room, or have an enabled account.
    """

    target: int
    of_deleted_account: bool = False


class React(Value, frozen=True):
    """Add a reaction to a message, or remove it."""

    target: int
    emoji: str
    on: bool


class Create(Value, frozen=True):
    """Create a room with these members and the sender, who becomes its administrator."""

    title: str
    name: str | None = None
    topic: str = ""
    private: bool = False
    users: tuple[tuple[int, str], ...] = ()


class AddMembers(Value, frozen=True):
    """Begin memberships: of the sender (`join`) or of others (`invite`).

    `invited` is the code of an invitation that admits the sender to a private room. `consumes_use`:
    joining takes one of its remaining uses.
    """

    action: str
    users: tuple[tuple[int, str], ...]
    invited: str = ""
    consumes_use: bool = False


class RemoveMembers(Value, frozen=True):
    """End memberships: that of the sender (`leave`) or others' (`remove`).

    `of_deleted_account`: the account was deleted, so the rights of a member are not required.
    """

    action: str
    users: tuple[tuple[int, str], ...]
    of_deleted_account: bool = False


class Change(Value, frozen=True):
    """Set the given properties of a room, such as name, title, topic, private, archived, receipts.

    `as_server_admin`: by an administrator of the server, who need not be a member.
    """

    action: str
    values: dict[str, Any]
    as_server_admin: bool = False


class Dissolve(Value, frozen=True):
    """End all memberships of a conversation without a name, by an administrator of the server."""


class RemoveFile(Value, frozen=True):
    """Remove the file with this id from its message, by the server's administrator `by`.

    None is the operator. The event is an edit by the author, who need not be a member.
    """

    file: str
    by: int | None


# The type checker reports where a type that is added here is not handled yet.
MessageAct = Post | Edit | Delete | React
RoomAct = Create | AddMembers | RemoveMembers | Change | Dissolve | RemoveFile
Act = MessageAct | RoomAct


class Draft(Value, frozen=True):
    """An event to be stored. `id` is unique per sender for ever; the server may have made it.

    `room` is 0 for a new room. Not `resolved`: storage looks up the room, or the direct room with
    the user whose name is `to`, and sets `participants` and `digest`.
    """

    room: int
    user_id: int
    user: str
    id: str
    digest: str
    act: Act
    participants: tuple[int, ...] = ()
    generated_id: bool = False
    to: str | None = None
    resolved: bool = True

    @property
    def affected_users(self) -> tuple[int, ...]:
        """Ids of the users whose memberships it changes."""
        match self.act:
            case Create(users=users):
                return (self.user_id, *[user_id for user_id, _ in users])
            case AddMembers(users=users) | RemoveMembers(users=users):
                return tuple([user_id for user_id, _ in users])
            case _:
                return ()


class Receipt(Value, frozen=True):
    """Position of a stored event in its room's log.

    `duplicate`: it was stored by an earlier attempt, and `event` is not set.
    """

    room: int
    seq: int
    at: int
    duplicate: bool = False
    event: Event | None = None
    participants: tuple[int, ...] = ()


class RoomFacts(Value, frozen=True):
    """Immutable facts of a room. `pair`: id and name of the members of a direct room, by id."""

    room: int
    kind: RoomKind
    pair: tuple[tuple[int, str], ...] = ()

    @property
    def participants(self) -> tuple[int, ...]:
        return tuple([user_id for user_id, _ in self.pair]) if self.pair else ()

    def partner(self, user_id: int) -> str | None:
        """Return the name of the other, or the only, member of a direct room; None in a group."""
        if not self.pair:
            return None
        return next((name for other, name in self.pair if other != user_id), self.pair[0][1])

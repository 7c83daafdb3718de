"""Messages between nodes. Delivery is best-effort.

Tags and names of fields are part of the encoding, and a new field has a default: a node of another
version, which a migration of the database has not stopped yet, can decode them. Unknown fields are
ignored; a message that cannot be decoded is logged and dropped, and the poll of the database
(`realtime.node_sync`) replaces it.
"""

from collections.abc import Callable

import msgspec

from chatserver.protocol import Person


class Events(msgspec.Struct, frozen=True, tag="news"):
    """The encoded frames of a room's events `first` to `last`.

    `changes`: some of them are not new messages. `participants`: user ids of the members of a
    direct room. `left_ids`: user ids whose memberships end with the last event.
    """

    room: int
    first: int
    last: int
    frames: bytes
    changes: bool = True
    participants: tuple[int, ...] = msgspec.field(default=(), name="people")
    left_ids: tuple[int, ...] = msgspec.field(default=(), name="left")


class MembersAdded(msgspec.Struct, frozen=True, tag="admitted"):
    """These users have become members; `event` is the encoded event of the change."""

    room: int
    users: tuple[int, ...]
    event: bytes


class Ephemeral(msgspec.Struct, frozen=True, tag="aside"):
    """Frames that are not stored, for a room or for all connections of a user."""

    frames: bytes
    room: int | None = None
    user: int | None = None


class SessionEnd(msgspec.Struct, frozen=True, tag="ended"):
    """Request to close the connections of a session, or of a user, with `code`.

    Of a user, all connections if they have to reconnect (RESTARTING); with another code only those
    whose session has ended. `pending`: the database does not have the end of the session yet.
    """

    code: int
    session: str | None = None
    user: int | None = None
    pending: bool = False


class NodeState(msgspec.Struct, frozen=True, tag="here"):
    """All users with a connection to the sending node, and the ids of its signing keys.

    The first of `keys` signs. `number` increases with each announcement of a node.
    """

    node: str
    users: list[Person] = msgspec.field(name="persons")
    keys: list[str] = []
    number: int = 0


class ProfileChange(msgspec.Struct, frozen=True, tag="profile"):
    """The profile picture of a user has changed. `user` is the user id."""

    user: int
    profile: Person


class PageVisible(msgspec.Struct, frozen=True, tag="visible"):
    """Whether a user looks at a page. `user` is the user id; `page` names a connection."""

    user: int
    page: str
    visible: bool


BusMessage = (
    Events | MembersAdded | Ephemeral | SessionEnd | NodeState | ProfileChange | PageVisible
)

encode: Callable[[BusMessage], bytes] = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], BusMessage] = msgspec.msgpack.Decoder(BusMessage).decode

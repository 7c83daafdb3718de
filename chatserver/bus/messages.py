"""What nodes that serve one chat say to one another, over the bus. Any word may be lost."""

from collections.abc import Callable

import msgspec

from chatserver.protocol import Person


class Events(msgspec.Struct, frozen=True, tag="news"):
    """To the other nodes: the frames of a room's events `first` to `last`.

    `changes`: they are not all new messages.
    """

    room: int
    first: int
    last: int
    frames: bytes
    changes: bool = True
    people: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


class NewMembers(msgspec.Struct, frozen=True, tag="admitted"):
    """To the other nodes: these people are members now; `event` is the JSON that tells of it."""

    room: int
    users: tuple[int, ...]
    event: bytes


class Ephemeral(msgspec.Struct, frozen=True, tag="aside"):
    """To the other nodes: frames that are not stored, for a room or for one person's devices."""

    frames: bytes
    room: int | None = None
    user: int | None = None


class SessionEnd(msgspec.Struct, frozen=True, tag="ended"):
    """To the other nodes: close the connections of this session, or of ended sessions of this user.

    `pending`: the database does not have the end of the session yet.
    """

    code: int
    session: str | None = None
    user: int | None = None
    pending: bool = False


class NodeState(msgspec.Struct, frozen=True, tag="here"):
    """To the other nodes: who has a socket on this one, whole, and which keys it knows.

    Of `keys` the first one signs. `number` rises with each announcement of a node.
    """

    node: str
    persons: list[Person]
    keys: list[str] = []
    number: int = 0


BusMessage = Events | NewMembers | Ephemeral | SessionEnd | NodeState

encode: Callable[[BusMessage], bytes] = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], BusMessage] = msgspec.msgpack.Decoder(BusMessage).decode

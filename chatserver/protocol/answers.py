"""To the socket that asked: what became of its request."""

from msgspec import Struct

from chatserver.protocol.base import Number, Position, Type, Wire
from chatserver.protocol.events import Happening, WelcomeRoom


class Stored(Wire, tag=int(Type.REPLY)):
    """The message is on disk. `duplicate`: it was already, and this is the first answer again."""

    id: str
    ok: bool
    room: Number
    seq: Number
    at: int
    duplicate: bool = False


class RoomChanged(Wire, tag=int(Type.REPLY)):
    """The room is changed. `state` is there for whoever is a member by this: create and join."""

    id: str
    ok: bool
    room: Number
    seq: Number
    at: int
    duplicate: bool = False
    state: WelcomeRoom | None = None


class Muted(Wire, tag=int(Type.REPLY)):
    """The room is muted for oneself, or heard again; one's own devices are told by `read`."""

    id: str
    ok: bool
    room: Number
    muted: bool


class RoomPage(Struct, frozen=True, kw_only=True):
    """A stretch of one room in order; `more`: ask again from where it ends."""

    room: Number
    events: list[Happening]
    head: int
    more: bool


class HistoryPage(Wire, tag=int(Type.REPLY)):
    """The answer to `history` of one room."""

    id: str
    ok: bool
    room: Number
    events: list[Happening]
    head: int
    more: bool


class CatchUp(Wire, tag=int(Type.REPLY)):
    """The answer to `history` of many rooms; `gone` names those that one may not read."""

    id: str
    ok: bool
    epoch: str
    rooms: list[RoomPage]
    gone: list[int]


class MoreRooms(Wire, tag=int(Type.REPLY)):
    """The answer to `history` with `rooms_after`: rooms as in the welcome, by number.

    `rooms_after` is there while there are more: ask again with it.
    """

    id: str
    ok: bool
    rooms: list[WelcomeRoom]
    rooms_more: bool
    rooms_after: Position | None = None


class Renewed(Wire, tag=int(Type.REPLY)):
    """The session of this socket lives until `expires_at`; `token` signs in until then."""

    id: str
    ok: bool
    expires_at: int
    token: str


class Refused(Wire, tag=int(Type.REPLY)):
    """The request was refused and nothing was stored. `id` is there when it could be read."""

    ok: bool
    code: str
    data: str
    id: str | None = None
    retry_after: float | None = None
    epoch: str | None = None


Answer = Stored | RoomChanged | Muted | HistoryPage | CatchUp | MoreRooms | Renewed | Refused

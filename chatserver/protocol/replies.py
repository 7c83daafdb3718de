"""Replies, sent to the socket that sent the command."""

from msgspec import Struct

from chatserver.protocol.base import Position, PositiveInt, Type, Wire
from chatserver.protocol.events import LogMessage, WelcomeRoom


class Stored(Wire, tag=int(Type.REPLY)):
    """The message is on disk. `duplicate`: it was stored before; this repeats the first reply."""

    id: str
    ok: bool
    room: PositiveInt
    seq: PositiveInt
    at: int
    duplicate: bool = False


class RoomChanged(Wire, tag=int(Type.REPLY)):
    """The room was changed. `state` is set if the user became a member: create and join."""

    id: str
    ok: bool
    room: PositiveInt
    seq: PositiveInt
    at: int
    duplicate: bool = False
    state: WelcomeRoom | None = None


class Muted(Wire, tag=int(Type.REPLY)):
    """The user muted or unmuted the room. The user's devices are notified by `read`."""

    id: str
    ok: bool
    room: PositiveInt
    muted: bool


class Favored(Wire, tag=int(Type.REPLY)):
    """The room is a favorite of the user, or none. The user's devices are notified by `read`."""

    id: str
    ok: bool
    room: PositiveInt
    favorite: bool


class RoomPage(Struct, frozen=True, kw_only=True):
    """Events of one room in order. `more`: there are more after the last event."""

    room: PositiveInt
    events: list[LogMessage]
    head: int
    more: bool


class HistoryPage(Wire, tag=int(Type.REPLY)):
    """The reply to `history` of one room."""

    id: str
    ok: bool
    room: PositiveInt
    events: list[LogMessage]
    head: int
    more: bool


class CatchUp(Wire, tag=int(Type.REPLY)):
    """The reply to `history` of many rooms. `gone`: rooms that the user cannot read."""

    id: str
    ok: bool
    epoch: str
    rooms: list[RoomPage]
    gone: list[int]


class MoreRooms(Wire, tag=int(Type.REPLY)):
    """The reply to `history` with `rooms_after`: rooms as in the welcome, by number.

    `rooms_after` is set while there are more rooms; request the next page with it.
    """

    id: str
    ok: bool
    rooms: list[WelcomeRoom]
    rooms_more: bool
    rooms_after: Position | None = None


class Renewed(Wire, tag=int(Type.REPLY)):
    """The session was extended to `expires_at`; `token` is valid until then."""

    id: str
    ok: bool
    expires_at: int
    token: str


class Refused(Wire, tag=int(Type.REPLY)):
    """The command was refused and nothing was stored. `id` is set if it could be read."""

    ok: bool
    code: str
    data: str
    id: str | None = None
    retry_after: float | None = None
    epoch: str | None = None


Reply = (
    Stored | RoomChanged | Muted | Favored | HistoryPage | CatchUp | MoreRooms | Renewed | Refused
)

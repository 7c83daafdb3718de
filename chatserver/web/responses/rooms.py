"""Responses about rooms, members and messages."""

from msgspec import Struct

from chatserver import protocol
from chatserver.storage.rooms import PublicRoom
from chatserver.web.responses import Success, over_http


class RoomList(Success):
    """The user's rooms by number, and rooms that the user can join by name: at most 500 of each.

    `rooms_after` and `public_after` are set while there are more: request the next rooms of that
    kind with one of them.
    """

    rooms: list[protocol.WelcomeRoom] | None = None
    public: list[PublicRoom] | None = None
    rooms_more: bool = False
    rooms_after: int | None = None
    public_more: bool = False
    public_after: str | None = None


class RoomMember(Struct, omit_defaults=True):
    """`role` is admin or member; `read` is the read position, if the room shows receipts."""

    name: str
    display: str
    role: str
    read: int | None = None


class FormerMember(Struct):
    name: str
    display: str


class MemberList(Success):
    """`former`, in a conversation without a name: users who left it, without disabled accounts."""

    room: protocol.PositiveInt
    members: list[RoomMember]
    former: list[FormerMember] | None = None


class FoundIn(Struct):
    """The id of a file, and the text in it around the first match, on one line."""

    file: str
    text: str


class SearchHit(Struct, omit_defaults=True):
    """A matching message. `found_in`: not the message matches, but the text of one of its files."""

    room: protocol.PositiveInt
    seq: protocol.PositiveInt
    user: str
    data: str
    at: int
    edited_at: int | None = None
    files: list[protocol.File] | None = None
    found_in: FoundIn | None = None


class Hits(Success):
    """Hits, newest first. `position` requests the next page; null if `more` is false."""

    hits: list[SearchHit]
    more: bool
    position: int | None


class RoomEvents(protocol.RoomPage, frozen=True):
    """Events of one room; `epoch` identifies the log that the positions belong to."""

    epoch: str


OwnRoom = over_http(protocol.WelcomeRoom, "OwnRoom")
OpenRoom = over_http(PublicRoom, "OpenRoom")
StoredMessage = over_http(protocol.Stored, "StoredMessage")
ChangedRoom = over_http(protocol.RoomChanged, "ChangedRoom")
MutedRoom = over_http(protocol.Muted, "MutedRoom")
FavoredRoom = over_http(protocol.Favored, "FavoredRoom")
EventPage = over_http(RoomEvents, "EventPage")

"""The socket in words: who answers what, and why a socket is closed."""

from typing import Any, get_args

from chatserver import protocol
from chatserver.errors import CloseCode

Shape = Any  # a message type

COMMANDS: tuple[Shape, ...] = get_args(protocol.Command)
EVENTS: tuple[Shape, ...] = get_args(protocol.Outgoing)
ANSWERS: tuple[Shape, ...] = get_args(protocol.Answer)

REPLIES: dict[Shape, tuple[Shape, ...]] = {
    protocol.SayToRoom: (protocol.Stored, protocol.Refused),
    protocol.SayToPerson: (protocol.Stored, protocol.Refused),
    protocol.EditMessage: (protocol.Stored, protocol.Refused),
    protocol.DeleteMessage: (protocol.Stored, protocol.Refused),
    protocol.ReactTo: (protocol.Stored, protocol.Refused),
    protocol.ChangeRoom: (protocol.RoomChanged, protocol.Muted, protocol.Refused),
    protocol.History: (
        protocol.HistoryPage,
        protocol.CatchUp,
        protocol.MoreRooms,
        protocol.Refused,
    ),
    protocol.Renew: (protocol.Renewed, protocol.Refused),
    protocol.StartTyping: (),
    protocol.MarkRead: (),
}

CLOSINGS: dict[CloseCode, str] = {
    CloseCode.RESTARTING: "The server restarts. Come back.",
    CloseCode.TOO_SLOW: "Too much was waiting to be read here. Come back and catch up.",
    CloseCode.OVERLOADED: "Too many sockets of one user, as the reason `too many sockets` says,"
    " or the server cannot keep up. Come back later.",
    CloseCode.SILENT: "Nothing was heard for one and a half heartbeats. Come back.",
    CloseCode.SESSION_INVALID: "The session is over. Log in again; do not come back by yourself.",
    CloseCode.REMOVED: "The account is closed. Do not come back by yourself.",
    CloseCode.ABUSE: "Too many frames that make no sense. Do not come back by yourself.",
}


def number(shape: Shape) -> int:
    """The `type` of a message."""
    found: int = shape.__struct_config__.tag
    return found


def wire_name(shape: Shape) -> str:
    """Its name in the contract: groupList for Type.GROUP_LIST."""
    first, *others = protocol.Type(number(shape)).name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)

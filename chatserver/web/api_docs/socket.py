"""Replies to each command, and descriptions of the close codes."""

from typing import Any, get_args

from chatserver import protocol
from chatserver.errors import TOO_MANY_SOCKETS, CloseCode

Shape = Any  # a message type

COMMANDS: tuple[Shape, ...] = get_args(protocol.Command)
EVENTS: tuple[Shape, ...] = get_args(protocol.Outgoing)
REPLY_TYPES: tuple[Shape, ...] = get_args(protocol.Reply)

REPLIES: dict[Shape, tuple[Shape, ...]] = {
    protocol.SayToRoom: (protocol.Stored, protocol.Refused),
    protocol.SayToPerson: (protocol.Stored, protocol.Refused),
    protocol.EditMessage: (protocol.Stored, protocol.Refused),
    protocol.DeleteMessage: (protocol.Stored, protocol.Refused),
    protocol.ReactTo: (protocol.Stored, protocol.Refused),
    protocol.ChangeRoom: (
        protocol.RoomChanged,
        protocol.Muted,
        protocol.Favored,
        protocol.Refused,
    ),
    protocol.History: (
        protocol.HistoryPage,
        protocol.CatchUp,
        protocol.MoreRooms,
        protocol.Refused,
    ),
    protocol.Renew: (protocol.Renewed, protocol.Refused),
    protocol.StartTyping: (),
    protocol.MarkRead: (),
    protocol.ReportVisible: (),
}

CLOSINGS: dict[CloseCode, str] = {
    CloseCode.RESTARTING: "The server restarts. Reconnect.",
    CloseCode.TOO_SLOW: "The client reads too slowly. Reconnect and catch up.",
    CloseCode.OVERLOADED: f"Too many sockets of one user (reason `{TOO_MANY_SOCKETS}`), or the"
    " server is overloaded. Reconnect later.",
    CloseCode.SILENT: "Nothing was received for one and a half heartbeat intervals. Reconnect.",
    CloseCode.SESSION_INVALID: "The session has ended. Log in again; do not reconnect"
    " automatically.",
    CloseCode.ACCOUNT_CLOSED: "The account is disabled or deleted. Do not reconnect automatically.",
    CloseCode.ABUSE: "Too many invalid frames. Do not reconnect automatically.",
}

# Published names, where they differ from the name of the constant.
CLOSING_NAMES = {CloseCode.ACCOUNT_CLOSED: "removed"}


def number(shape: Shape) -> int:
    """The `type` of a message."""
    found: int = shape.__struct_config__.tag
    return found


def wire_name(shape: Shape) -> str:
    """The name of a message in the contract: groupList for Type.GROUP_LIST."""
    first, *others = protocol.Type(number(shape)).name.lower().split("_")
    return first + "".join(word.capitalize() for word in others)

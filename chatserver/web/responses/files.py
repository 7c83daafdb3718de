"""Responses about files."""

from chatserver import protocol
from chatserver.web.responses import Success


class OneFile(Success):
    file: protocol.File


class SentFile(protocol.File, frozen=True):
    """A file in a message: `seq` is the number of the message, `user` its author."""

    seq: protocol.PositiveInt
    user: str
    at: int


class FilePage(Success):
    """Files of a room, in the order of the request. `position` requests the next page, if any."""

    room: protocol.PositiveInt
    files: list[SentFile]
    more: bool
    position: int | None

"""Bytes to values, and back. Decoding validates; there is no second validation of shapes."""

import re
from collections.abc import Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from chatserver.errors import BadRequest, ChatError, ChatServerError, TooLarge, _
from chatserver.protocol.answers import Answer
from chatserver.protocol.base import ClientId
from chatserver.protocol.commands import Command
from chatserver.protocol.events import Outgoing

SCANNED = 65_536  # characters of a malformed frame that are searched for its id
TOKENS = 25_000  # strings and runs of brackets among them


class _Head(Struct):
    id: ClientId | None = None


_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_heads = msgspec.json.Decoder(_Head)
_ids = msgspec.json.Decoder(ClientId)
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"(\s*+:)?|\\?\Z)|[\[{]++|[\]}]++', re.DOTALL)
_encoder = msgspec.json.Encoder()


class Undecodable(ChatServerError):
    """A frame that is no command: what is wrong, and its request's id if it could be read."""

    def __init__(self, error: ChatError, request_id: str | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.id = request_id


def decode(data: str | bytes, *, limit: int) -> Command:
    """The command in a text frame of at most `limit` bytes. Raises Undecodable."""
    if _is_longer(data, limit):
        too_large = TooLarge(_("A frame has at most %(count)d bytes."), count=limit)
        raise Undecodable(too_large, _request_id(data))
    if isinstance(data, bytes):
        raise Undecodable(
            BadRequest("Frames are text."), _request_id(data.decode(errors="replace"))
        )
    try:
        return _commands.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as mistake:
        error = BadRequest(f"{mistake}.".replace("`", "'"))
        raise Undecodable(error, _request_id(data)) from None


def _is_longer(data: str | bytes, limit: int) -> bool:
    """In bytes of UTF-8, of which a character has four at most."""
    if isinstance(data, bytes) or 4 * len(data) <= limit:
        return len(data) > limit
    return len(data.encode(errors="surrogatepass")) > limit


def _request_id(data: str | bytes) -> str | None:
    """The id of a frame that was refused, also where the rest of it is not JSON."""
    try:
        return _heads.decode(data).id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _scanned_id(data if isinstance(data, str) else data.decode(errors="replace"))


def _scanned_id(data: str) -> str | None:
    """The value of the last "id" in the outermost object, whatever is wrong with the rest.

    Linear: a lone surrogate, too many levels or a missing end cost no more than other characters.
    """
    depth, found, expected = 0, "", False
    for token in islice(_TOKEN.finditer(data[:SCANNED]), TOKENS):
        text = token[0]
        if text[0] in "[{":
            depth += len(text)
        elif text[0] in "]}":
            depth -= len(text)
        elif expected and not token[1]:
            found = text
        expected = depth == 1 and token[1] is not None and text.startswith('"id"')
    try:
        return _ids.decode(found)
    except (msgspec.DecodeError, UnicodeError):
        return None


def encode(message: Outgoing | Answer) -> bytes:
    """A message as one unmasked text frame, ready for any number of sockets."""
    return frame(_encoder.encode(message))


def json(message: Struct | Sequence[Struct]) -> bytes:
    """A message, or a part of one, as JSON."""
    return _encoder.encode(message)


def frame(payload: bytes) -> bytes:
    """RFC 6455, 5.2: a final text frame of a server."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload

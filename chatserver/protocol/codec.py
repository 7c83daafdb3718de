"""JSON encoder and decoder of messages. Decoding validates the types of all fields."""

import re
from collections.abc import Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from chatserver.errors import BadRequest, ChatError, ChatServerError, TooLarge, _
from chatserver.protocol.base import ClientId
from chatserver.protocol.commands import Command
from chatserver.protocol.events import Outgoing
from chatserver.protocol.framing import text_frame
from chatserver.protocol.replies import Reply

MAX_SCANNED_CHARS = 65_536  # characters of a malformed frame that are searched for its `id`
MAX_SCANNED_TOKENS = 4_000  # strings and runs of brackets among them; a valid frame has few


class _IdOnly(Struct):
    id: ClientId | None = None


_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_id_decoder = msgspec.json.Decoder(_IdOnly)
_ids = msgspec.json.Decoder(ClientId)
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"(\s*+:)?|\\?\Z)|[\[{]++|[\]}]++', re.DOTALL)
_encoder = msgspec.json.Encoder()


class Undecodable(ChatServerError):
    """A frame is not a valid command. Has the error, and the `id` if it could be read."""

    def __init__(self, error: ChatError, request_id: str | None) -> None:
        super().__init__(str(error))
        self.error = error
        self.id = request_id


def decode(data: str | bytes, *, limit: int) -> Command:
    """Decode the command in a text frame of at most `limit` bytes. Raises Undecodable."""
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
    """Compare the length in UTF-8, where a character has at most four bytes."""
    if isinstance(data, bytes) or 4 * len(data) <= limit:
        return len(data) > limit
    return len(data.encode(errors="surrogatepass")) > limit


def _request_id(data: str | bytes) -> str | None:
    """Return the `id` of a refused frame, also if the rest of the frame is not JSON."""
    try:
        return _id_decoder.decode(data).id
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _scanned_id(data if isinstance(data, str) else data.decode(errors="replace"))


def _scanned_id(data: str) -> str | None:
    """Return the last "id" of the outermost object of a malformed frame.

    Runs in linear time, also with lone surrogates, deep nesting or a missing end.
    """
    depth, last_id, is_id_next = 0, "", False
    for token in islice(_TOKEN.finditer(data[:MAX_SCANNED_CHARS]), MAX_SCANNED_TOKENS):
        text = token[0]
        if text[0] in "[{":
            depth += len(text)
        elif text[0] in "]}":
            depth -= len(text)
        elif is_id_next and not token[1]:
            last_id = text
        is_id_next = depth == 1 and token[1] is not None and text.startswith('"id"')
    try:
        return _ids.decode(last_id)
    except (msgspec.DecodeError, UnicodeError):
        return None


def encode(message: Outgoing | Reply) -> bytes:
    """Encode a message as one unmasked text frame, which any number of sockets can share."""
    return text_frame(_encoder.encode(message))


def encode_json(message: Struct | Sequence[Struct]) -> bytes:
    """Encode a message, or a part of a message, as JSON."""
    return _encoder.encode(message)

"""Opening handshake of a WebSocket (RFC 6455, 4.2). Pure.

No extension and no subprotocol is negotiated, and nothing of the request is logged, because clients
put tokens into Sec-WebSocket-Protocol.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable

from aiohttp import web

from chatserver.errors import BadRequest, _

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSIONS = ("13", "8", "7")  # the same on the wire
KEY_BYTES = 16
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Accept: %b\r\n\r\n"
)


def switching(request: web.Request) -> bytes:
    """Return the response that accepts the upgrade. Raises BadRequest."""
    headers = request.headers
    upgrades = "websocket" in _tokens(headers.getall("Upgrade", ()))
    if not upgrades or "upgrade" not in _tokens(headers.getall("Connection", ())):
        raise BadRequest(_("This address is for WebSockets. A proxy may have removed the upgrade."))
    key = headers.get("Sec-WebSocket-Key", "")
    if headers.get("Sec-WebSocket-Version") not in VERSIONS or not _is_key(key):
        raise BadRequest
    digest = hashlib.sha1(key.encode() + GUID).digest()  # noqa: S324 - the RFC's
    return SWITCHING % base64.b64encode(digest)


def _tokens(fields: Iterable[str]) -> set[str]:
    return {token.strip().lower() for field in fields for token in field.split(",")}


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        return False

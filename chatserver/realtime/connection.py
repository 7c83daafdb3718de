"""Authenticated WebSocket as seen by the rest of the program: identity, write, close.

Frames are written straight to the transport and nothing is awaited for a slow reader: a client
whose send queue is over its limit is disconnected, reconnects and catches up. Replies and the
handshake do not count towards the limit: the server chooses their size, and the transport
(`web.websocket.transport`) stops reading requests while they are queued. Owns the state of one
connection.
"""

import asyncio
from collections.abc import Collection
from typing import Protocol

from chatserver.errors import CloseCode
from chatserver.models import User
from chatserver.protocol.framing import close_frame

NORMAL = 1000  # RFC 6455, 7.4.1: normal closure
FIRST_PING_DELAY = 25.0  # seconds from connecting to the first ping
WRITES_PER_TURN = 50  # connections that are written to in one turn of the event loop
CLOSE_TIMEOUT = 2.0  # seconds for the peer to answer a close frame


class Transport(Protocol):
    """The part of an asyncio or uvloop transport that a connection needs."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...
    def is_closing(self) -> bool: ...
    def is_reading(self) -> bool: ...


class Connection:
    """An authenticated WebSocket.

    `expires_at` (ms UTC), `last_received` and `next_ping_at` (monotonic s) are used by `Keepalive`;
    `lifetime` (s) is the session's, for renewing it; `key_id` names the key that signed its token.
    `rooms` are the subscribed rooms; only `Subscriptions` changes them. `welcome_rooms` are
    the rooms in the welcome, if it did not contain all. `locale` is the language of error messages.
    `frames` counts received frames; `close_code` is the code that the server sent, if any.
    `lists_presence`: the client gets the full list of online users instead of changes.
    """

    __slots__ = (
        "_deferred",
        "_queue_allowance",
        "_queue_limit",
        "_transport",
        "close_code",
        "closing",
        "expires_at",
        "frames",
        "key_id",
        "last_received",
        "lifetime",
        "lists_presence",
        "locale",
        "next_ping_at",
        "rooms",
        "session_id",
        "user",
        "welcome_rooms",
    )

    def __init__(
        self,
        transport: Transport,
        user: User,
        *,
        session_id: str,
        expires_at: int,
        lifetime: int,
        limit: int,
        last_received: float,
        key_id: str = "",
        lists_presence: bool = False,
        locale: str = "en",
    ) -> None:
        self._transport = transport
        self._queue_limit = limit
        self._queue_allowance = limit  # bytes that may be queued; queued replies are added
        self._deferred: list[bytes] = []
        self.user = user
        self.session_id = session_id
        self.expires_at = expires_at
        self.lifetime = lifetime
        self.key_id = key_id
        self.lists_presence = lists_presence
        self.locale = locale
        self.last_received = last_received
        self.next_ping_at = last_received + FIRST_PING_DELAY
        self.rooms: set[int] = set()
        self.welcome_rooms: Collection[int] = ()
        self.frames = 0
        self.close_code: int | None = None
        self.closing = False

    @property
    def queued_bytes(self) -> int:
        """Bytes in the send queue."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    @property
    def is_read_paused(self) -> bool:
        """Whether reading is paused although the send queue is empty: silence proves nothing."""
        return not self._transport.is_reading() and not self.queued_bytes

    def write(self, frames: bytes) -> bool:
        """Send whole frames. Return False if the send queue is over the limit: then hang up."""
        if self.closing or self._transport.is_closing():
            return True
        if self._transport.get_write_buffer_size() > self._queue_allowance:
            return False
        self._transport.write(self._with_deferred(frames) if self._deferred else frames)
        return True

    def defer(self, frames: bytes) -> None:
        """Queue frames for the next write or `flush`: one system call instead of two."""
        self._deferred.append(frames)

    def flush(self) -> None:
        """Send deferred frames."""
        if self._deferred:
            self.reply(b"")

    def _with_deferred(self, frames: bytes) -> bytes:
        whole = b"".join((*self._deferred, frames))
        self._deferred.clear()
        return whole

    def reply(self, frames: bytes) -> None:
        """Send a reply or the handshake, which never count towards the limit.

        The queue stays bounded: no request is read while more than the limit is queued.
        """
        if self.closing or self._transport.is_closing():
            return
        most = self._queue_limit + self._transport.get_write_buffer_size()
        self._queue_allowance = min(self._queue_allowance, most) + len(frames)
        self._transport.write(self._with_deferred(frames) if self._deferred else frames)

    def hang_up(self, code: CloseCode, reason: str) -> None:
        """Send a close frame and close.

        Frames sent before still arrive; a peer that does not answer is aborted after CLOSE_TIMEOUT.
        """
        if self.closing:
            return
        self.closing = True
        self.close_code = code
        if not self._transport.is_closing():
            self._transport.write(self._with_deferred(close_frame(code, reason)))
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._transport.abort)

    def use_session(
        self, session_id: str, expires_at: int, lifetime: int, key_id: str = ""
    ) -> None:
        """Continue under a renewed session of the same user."""
        self.session_id = session_id
        self.expires_at = expires_at
        self.lifetime = lifetime
        self.key_id = key_id

    def finish(self, code: int = NORMAL) -> None:
        """Answer the peer's close frame with `code` and close the transport.

        A peer that does not read the rest of the queue is aborted after CLOSE_TIMEOUT.
        """
        if not self.closing and not self._transport.is_closing():
            self._transport.write(self._with_deferred(close_frame(code, "")))
        self.closing = True
        self._transport.close()
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._transport.abort)

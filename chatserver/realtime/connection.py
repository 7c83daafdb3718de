"""One open socket as the rest of the program sees it: who it is, write, hang up.

Frames go straight to the transport, so that nothing is ever awaited for a slow reader: one that
lets too much wait is hung up, comes back and catches up. Replies and the handshake do not count as
waiting: their size is the server's choice, and `web.line` stops reading requests meanwhile. Owns
the state of one socket.
"""

import asyncio
from collections.abc import Collection
from typing import Protocol

from chatserver.errors import CloseCode
from chatserver.models import User

NORMAL = 1000  # the close code of a line that has done its work
FIRST_BEAT = 25.0  # seconds until a new socket gets its first heartbeat
CLOSE_TIMEOUT = 2.0  # seconds that a peer has to answer a close frame


class Wire(Protocol):
    """What a connection needs of a transport (asyncio's and uvloop's have it)."""

    def write(self, data: bytes) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...
    def is_closing(self) -> bool: ...
    def is_reading(self) -> bool: ...


class Connection:
    """An authenticated socket.

    `expires_at` (ms UTC), `seen` and `beat_at` (monotonic s) are for whoever looks for dead ones,
    `lifetime` (s) for renewing; `key` names the one that signed its token; `rooms` are those that
    it listens to, and the hub's. `locale` is the language of its refusals. `frames` says how many
    came in; `close_code` is the one that we sent, if we did. `welcomed` are the rooms that its
    welcome had, when it had not all of them. `lists_presence`: it gets the whole list of users who
    are online, not the changes.
    """

    __slots__ = (
        "_allowed",
        "_held",
        "_limit",
        "_wire",
        "beat_at",
        "close_code",
        "closing",
        "expires_at",
        "frames",
        "key",
        "lifetime",
        "lists_presence",
        "locale",
        "rooms",
        "seen",
        "session_id",
        "user",
        "welcomed",
    )

    def __init__(
        self,
        wire: Wire,
        user: User,
        *,
        session_id: str,
        expires_at: int,
        lifetime: int,
        limit: int,
        seen: float,
        key: str = "",
        lists_presence: bool = False,
        locale: str = "en",
    ) -> None:
        self._wire = wire
        self._limit = limit
        self._allowed = limit  # bytes that may wait; replies that may still wait are added
        self._held: list[bytes] = []
        self.user = user
        self.session_id = session_id
        self.expires_at = expires_at
        self.lifetime = lifetime
        self.key = key
        self.lists_presence = lists_presence
        self.locale = locale
        self.seen = seen
        self.beat_at = seen + FIRST_BEAT
        self.rooms: set[int] = set()
        self.welcomed: Collection[int] = ()
        self.frames = 0
        self.close_code: int | None = None
        self.closing = False

    @property
    def waiting(self) -> int:
        """Bytes that the reader has not taken yet."""
        return 0 if self._wire.is_closing() else self._wire.get_write_buffer_size()

    @property
    def is_unheard(self) -> bool:
        """Whether the peer's silence means nothing: it reads, and its requests wait for us."""
        return not self._wire.is_reading() and not self.waiting

    def write(self, frames: bytes) -> bool:
        """Send whole frames. False: the reader has fallen too far behind and must be hung up."""
        if self.closing or self._wire.is_closing():
            return True
        if self._wire.get_write_buffer_size() > self._allowed:
            return False
        self._wire.write(self._with_held(frames) if self._held else frames)
        return True

    def hold(self, frames: bytes) -> None:
        """Send with what is written next, or at `flush`: one call of the system instead of two."""
        self._held.append(frames)

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            self.reply(b"")

    def _with_held(self, frames: bytes) -> bytes:
        whole = b"".join((*self._held, frames))
        self._held.clear()
        return whole

    def send(self, frames: bytes) -> None:
        """Send to this socket alone, and hang up when it has fallen behind."""
        if not self.write(frames):
            self.hang_up(CloseCode.TOO_SLOW, "too slow")

    def reply(self, frames: bytes) -> None:
        """Send what this client asked for, or the handshake, which never counts as waiting.

        Bounded by what asks: no request is read while more than the limit waits.
        """
        if self.closing or self._wire.is_closing():
            return
        waiting = self._wire.get_write_buffer_size()
        self._allowed = min(self._allowed, self._limit + waiting) + len(frames)
        self._wire.write(self._with_held(frames) if self._held else frames)

    def hang_up(self, code: CloseCode, reason: str) -> None:
        """Say why and close. What was sent before still arrives; a silent peer is cut off soon."""
        if self.closing:
            return
        self.closing = True
        self.close_code = code
        if not self._wire.is_closing():
            self._wire.write(self._with_held(close_frame(code, reason)))
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._wire.abort)

    def adopt(self, session_id: str, expires_at: int, lifetime: int, key: str = "") -> None:
        """Go on under a newer session of the same person."""
        self.session_id = session_id
        self.expires_at = expires_at
        self.lifetime = lifetime
        self.key = key

    def finish(self, code: int = NORMAL) -> None:
        """The peer has closed, or answered our close frame: answer with `code`, let go of the line.

        A peer that does not read what is still on its way is cut off soon.
        """
        if not self.closing and not self._wire.is_closing():
            self._wire.write(self._with_held(close_frame(code, "")))
        self.closing = True
        self._wire.close()
        asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._wire.abort)


def close_frame(code: int, reason: str) -> bytes:
    """RFC 6455, 5.5.1: the code in two bytes, then the reason, short enough for one frame."""
    payload = code.to_bytes(2) + reason.encode()[:100]
    return b"\x88%c%b" % (len(payload), payload)

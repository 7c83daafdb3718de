"""Connections that are being set up: they also end when a session ends in the meantime.

Owns the pending connections of this node, from the check of a session until it is attached.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chatserver.bus.messages import SessionEnd
from chatserver.errors import RECONNECT, SESSION_ENDED, CloseCode, Disconnect


@dataclass(eq=False)  # compared by identity
class PendingConnection:
    """Ended sessions and changed memberships since the check of a session began."""

    ended: list[SessionEnd] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)

    def check(self, session_id: str, user_id: int) -> None:
        """Raise Disconnect if connections of that session or user were closed in the meantime."""
        for end in self.ended:
            if session_id == end.session or user_id == end.user:
                code = CloseCode(end.code)
                raise Disconnect(code, RECONNECT if code is CloseCode.RESTARTING else SESSION_ENDED)

    def take_change(self, user_id: int) -> bool:
        """Return whether the user's session and rooms must be read again, and clear the mark."""
        is_changed = user_id in self.changed
        self.changed.discard(user_id)
        return is_changed


class PendingConnections:
    """All connections that are being set up."""

    def __init__(self) -> None:
        self._pending: list[PendingConnection] = []

    @contextmanager
    def track(self) -> Iterator[PendingConnection]:
        """Add a pending connection for the duration of the block."""
        pending = PendingConnection()
        self._pending.append(pending)
        try:
            yield pending
        finally:
            self._pending.remove(pending)

    def note_changes(self, users: Iterable[int]) -> None:
        """Record that the rooms of these users changed, or that another node ended sessions."""
        for pending in self._pending:
            pending.changed.update(users)

    def note_end(self, ended: SessionEnd) -> None:
        """Record that the connections of a session, or of a user, are closed."""
        for pending in self._pending:
            pending.ended.append(ended)

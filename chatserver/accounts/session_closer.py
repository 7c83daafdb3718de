"""Closing the connections of sessions that end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from chatserver.errors import CloseCode
from chatserver.storage.failures import CommitUnknown


class SessionCloser(Protocol):
    """Closes the connections of sessions that end, without waiting.

    Implemented by `realtime.session_ends.SessionEnds`: accounts do not know connections.
    """

    def end_session(self, session_id: str, *, pending: bool = False) -> None: ...
    def end_user(self, user_id: int, code: CloseCode) -> None: ...


@contextmanager
def reconnect_if_unknown(closer: SessionCloser, user_id: int) -> Iterator[None]:
    """Make a user reconnect if it is unknown whether a change of the user's access was stored.

    The new connection is rejected if the access was lost, because the database is asked again.
    """
    try:
        yield
    except CommitUnknown:
        closer.end_user(user_id, CloseCode.RESTARTING)
        raise

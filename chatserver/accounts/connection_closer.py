"""Closing the connections of users whose access ends or may have changed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from chatserver.bus.messages import SessionEnd
from chatserver.errors import CloseCode
from chatserver.storage.failures import CommitUnknown


class ConnectionCloser(Protocol):
    """Closes connections on all nodes, without waiting. The caller ends the sessions.

    Implemented by `realtime.session_ends.SessionEnds`: accounts do not know connections.
    """

    on_session_ended: Callable[[SessionEnd], object]

    def close_session_connections(self, session_id: str, *, pending: bool = False) -> None: ...
    def close_user_connections(self, user_id: int, code: CloseCode) -> None: ...


@contextmanager
def reconnect_if_unknown(closer: ConnectionCloser, user_id: int) -> Iterator[None]:
    """Make a user reconnect if it is unknown whether a change of the user's access was stored.

    The new connection is rejected if the access was lost, because the database is asked again.
    """
    try:
        yield
    except CommitUnknown:
        closer.close_user_connections(user_id, CloseCode.RESTARTING)
        raise

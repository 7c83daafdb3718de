"""Interface of the open connections of this node; the implementation is `hub.Hub`."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from chatserver.errors import CloseCode
from chatserver.realtime.connection import Connection
from chatserver.realtime.pending_connections import PendingConnection


class Registry(Protocol):
    """What the parts of the hub use of it. They cannot import `hub`, which imports them."""

    @property
    def connections(self) -> list[Connection]: ...
    def connections_of(self, user_id: int) -> Collection[Connection]: ...
    def hang_up(self, connection: Connection, code: CloseCode, reason: str) -> None: ...
    def broadcast(self, frames: bytes, to: Iterable[Connection]) -> None: ...
    def connecting(self) -> AbstractContextManager[PendingConnection]: ...

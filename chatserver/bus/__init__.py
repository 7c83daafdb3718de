"""Bus between the nodes of one chat. Delivery is best-effort.

A node reads what it missed from the database, so a broken bus costs latency and never a message.
"""

from collections.abc import Callable
from typing import Protocol

Receive = Callable[[bytes], None]


class Bus(Protocol):
    """Delivers bytes to the other nodes of the same `chat`, at most once.

    `publish` never blocks. Payloads of one node arrive in order while its connection lasts.
    `peers`: whether other nodes can exist. `unreachable`: whether the last attempt to receive
    failed.
    """

    peers: bool
    unreachable: bool

    def publish(self, payload: bytes) -> None: ...
    async def reachable(self) -> bool: ...
    async def start(self, receive: Receive, *, chat: str) -> None: ...
    async def close(self) -> None: ...


class NoPeers:
    """Bus of a single node."""

    peers = False
    unreachable = False

    def publish(self, payload: bytes) -> None:
        """Drop the payload."""

    async def reachable(self) -> bool:
        """Return True: there is nothing to reach."""
        return True

    async def start(self, receive: Receive, *, chat: str) -> None:
        """Receive nothing."""

    async def close(self) -> None:
        """There is no connection to close."""

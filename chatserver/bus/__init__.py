"""How the nodes that serve one chat hear of one another. A doorbell: what it carries may be lost.

What a node misses it reads from the database, so a broken bus costs latency and never a message.
"""

from collections.abc import Callable
from typing import Protocol

Receive = Callable[[bytes], None]


class Bus(Protocol):
    """Carries bytes to the other nodes of the same `chat`.

    Never waits, never to this node, in order while it holds.
    """

    peers: bool

    def publish(self, payload: bytes) -> None: ...
    async def reachable(self) -> bool: ...
    async def start(self, receive: Receive, *, chat: str) -> None: ...
    async def close(self) -> None: ...


class NoPeers:
    """The only node there is."""

    peers = False

    def publish(self, payload: bytes) -> None:
        """Nobody to tell."""

    async def reachable(self) -> bool:
        """There is no other node that might not be."""
        return True

    async def start(self, receive: Receive, *, chat: str) -> None:
        """Nobody to hear."""

    async def close(self) -> None:
        """Nothing to take down."""

"""Keeps the signing keys of several nodes in step, and ends sockets of keys that are gone.

A key signs only when every node knows it: first it is published, which is to say that it verifies
on the node that made it; the operator copies the key file to the others, which read it within
seconds; then it signs, on all of them. Nodes announce the names of their keys over the bus.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from chatserver.accounts.session_tokens import SigningKeys
from chatserver.bus import Bus
from chatserver.errors import CloseCode, Conflict, _
from chatserver.realtime.hub import Hub

INTERVAL = 2.0  # seconds between two looks at the key file
SETTLED = 5.0  # seconds after the start until every other node has announced its keys

logger = logging.getLogger(__name__)


class Rotation(NamedTuple):
    """What was done: the key of that name `signs` now, or is only published."""

    kid: str
    signs: bool


class KeySync:
    """Rotates keys and follows the key file."""

    def __init__(
        self, keys: SigningKeys, hub: Hub, bus: Bus, *, clock: Callable[[], float]
    ) -> None:
        """`clock` gives monotonic seconds."""
        self._keys = keys
        self._hub = hub
        self._bus = bus
        self._clock = clock
        self._started = clock()
        self.differs = False  # another node has other keys

    async def run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            self.look()

    def look(self) -> None:
        """Follow the key file and the other nodes."""
        changed = self._keys.refresh()
        others = self._hub.presence.remote_keys()
        if self._keys.next is not None and any(keys[0] == self._keys.next for keys in others):
            self._keys.activate()  # another node signs with it already
            changed = True
        if changed:
            self._hub.check_nodes()  # the others need not wait for the next announcement
        self._warn_of_difference(others)
        self._end_orphans()

    def _warn_of_difference(self, others: list[list[str]]) -> None:
        differs = any(set(keys) != set(self._keys.names()) for keys in others)
        if differs and not self.differs:
            logger.warning("another node has other keys: copy the newest keys.json to all nodes")
        self.differs = differs

    def _end_orphans(self) -> None:
        """Sockets that were opened with a token of a key that is gone have to show a valid one."""
        known = {*self._keys.names(), ""}
        for connection in self._hub.connections:
            if connection.key not in known:
                self._hub.hang_up(connection, CloseCode.RESTARTING, "the key of its token is gone")

    async def rotate(self, *, force: bool) -> Rotation:
        """Let a new key sign, or publish it first where there are other nodes.

        Raises Conflict when another node does not have the same keys, or cannot be asked; `force`
        takes no notice of that.
        """
        if self._bus.peers and not force:
            await self._await_other_nodes()
        # Nothing is awaited from here on: a rotation or a copied key file in between would be lost.
        self._keys.refresh()
        if not self._bus.peers:
            return self._done(Rotation(self._keys.rotate(), signs=True))
        if not force:
            self._require_agreement()
        if self._keys.next is None:
            return self._done(Rotation(self._keys.publish(), signs=False))
        return self._done(Rotation(self._keys.activate(), signs=True))

    def _done(self, rotation: Rotation) -> Rotation:
        self._hub.check_nodes()
        self._end_orphans()
        return rotation

    async def _await_other_nodes(self) -> None:
        """Return when the other nodes have announced their keys. Raises Conflict without Redis."""
        await asyncio.sleep(max(0.0, self._started + SETTLED - self._clock()))
        if not await self._bus.reachable():
            raise Conflict(
                _("Redis is not reachable, so the other nodes cannot be asked for their keys.")
            )

    def _require_agreement(self) -> None:
        different = [
            keys
            for keys in self._hub.presence.remote_keys()
            if set(keys) != set(self._keys.names())
        ]
        if different:
            raise Conflict(
                _(
                    "Another node has other keys. Copy the newest keys.json to the data folder of"
                    " every node, wait some seconds and try again."
                )
            )

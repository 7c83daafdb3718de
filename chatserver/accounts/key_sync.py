"""Rotation of signing keys across nodes, and the end of connections whose key is gone.

A key signs only after every node has it. It is published first, i.e. it verifies on the node that
created it; the operator copies the key file to the other nodes, which read it within seconds; then
it signs, on all nodes. Nodes announce the names of their keys over the bus.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from chatserver.accounts.session_tokens import SigningKeys
from chatserver.bus import Bus
from chatserver.errors import CloseCode, Conflict, Unavailable, _
from chatserver.realtime.hub import Hub

POLL_INTERVAL = 2.0  # seconds between two reads of the key file
ANNOUNCE_DELAY = 5.0  # seconds after the start until every other node has announced its keys

logger = logging.getLogger(__name__)


class Rotation(NamedTuple):
    """Result of a rotation: the key named `kid` signs now, or is only published."""

    kid: str
    signs: bool


class KeySync:
    """Rotates keys and reloads the key file."""

    def __init__(
        self, keys: SigningKeys, hub: Hub, bus: Bus, *, clock: Callable[[], float]
    ) -> None:
        """`clock` returns monotonic seconds."""
        self._keys = keys
        self._hub = hub
        self._bus = bus
        self._clock = clock
        self._started = clock()
        self.differs = False  # whether another node has different keys

    async def run(self) -> None:
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            self.poll()

    def poll(self) -> None:
        """Reload the key file if it changed, and compare it with the other nodes."""
        changed = self._keys.refresh()
        others = self._hub.presence.state.remote_keys()
        if self._keys.next is not None and any(keys[0] == self._keys.next for keys in others):
            self._keys.activate()  # another node signs with it already
            changed = True
        if changed:
            self._hub.presence.check_nodes()  # announces the keys at once
        self._warn_of_difference(others)
        self._close_orphans()

    def _warn_of_difference(self, others: list[list[str]]) -> None:
        differs = any(set(keys) != set(self._keys.names()) for keys in others)
        if differs and not self.differs:
            logger.warning("another node has other keys: copy the newest keys.json to all nodes")
        self.differs = differs

    def _close_orphans(self) -> None:
        """Close connections whose token was signed with a removed key; they have to reconnect."""
        known = {*self._keys.names(), ""}
        for connection in self._hub.connections:
            if connection.key_id not in known:
                self._hub.hang_up(connection, CloseCode.RESTARTING, "the key of its token is gone")

    async def rotate(self, *, force: bool) -> Rotation:
        """Sign with a new key; if there are other nodes, publish it with the first call.

        Raises Conflict if another node has different keys, and Unavailable if the nodes cannot be
        asked, unless `force`.
        """
        if self._bus.peers and not force:
            await self._await_other_nodes()
        # No await from here on: a rotation or a copied key file in between would be lost.
        self._keys.refresh()
        if not self._bus.peers:
            return self._done(Rotation(self._keys.rotate(), signs=True))
        if not force:
            self._require_agreement()
        if self._keys.next is None:
            return self._done(Rotation(self._keys.publish(), signs=False))
        return self._done(Rotation(self._keys.activate(), signs=True))

    def _done(self, rotation: Rotation) -> Rotation:
        self._hub.presence.check_nodes()
        self._close_orphans()
        return rotation

    async def _await_other_nodes(self) -> None:
        """Wait until the other nodes have announced their keys. Raises Unavailable."""
        await asyncio.sleep(max(0.0, self._started + ANNOUNCE_DELAY - self._clock()))
        if not await self._bus.reachable():
            raise Unavailable(
                _("Redis is not reachable, so the other nodes cannot be asked for their keys.")
            )

    def _require_agreement(self) -> None:
        different = [
            keys
            for keys in self._hub.presence.state.remote_keys()
            if set(keys) != set(self._keys.names())
        ]
        if different:
            raise Conflict(
                _(
                    "Another node has other keys. Copy the newest keys.json to the data folder of"
                    " every node, wait some seconds and try again."
                )
            )

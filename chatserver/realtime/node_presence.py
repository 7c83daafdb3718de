"""Announces this node's users and keys to the other nodes, and stores what they announce.

Owns the order of announcements: the bus may deliver them late, twice or reordered.
"""

import secrets
from collections.abc import Callable

from chatserver.bus.messages import NodeState
from chatserver.realtime.presence import PresenceState

NODES = 1_000  # whose last announcement is remembered


class NodePresence:
    """Numbers announcements, and ignores those that are not newer than all before.

    Nodes that have stopped are remembered: an earlier announcement must not bring them back.
    """

    def __init__(
        self,
        presence: PresenceState,
        publish: Callable[[NodeState], None],
        key_names: Callable[[], list[str]],
        *,
        node: str,
        clock: Callable[[], float],
    ) -> None:
        """`node` is the name of this node, a random one if it is empty."""
        self._presence = presence
        self._publish = publish
        self._key_names = key_names
        self._node = node or secrets.token_hex(8)
        self._clock = clock
        self._number = 0
        self._newest: dict[str, int] = {}  # of other nodes, by the time of their last announcement

    def announce(self) -> None:
        """Announce the users who are connected here, and the keys."""
        self._publish(
            NodeState(self._node, self._presence.local(), self._key_names(), self._next())
        )

    def announce_stop(self) -> None:
        """Announce that this node has neither users nor keys."""
        self._publish(NodeState(self._node, [], [], self._next()))

    def receive(self, announcement: NodeState) -> None:
        """Store the announcement of another node, if it is newer than all before."""
        newest = self._newest.pop(announcement.node, 0)
        self._newest[announcement.node] = max(newest, announcement.number)
        while len(self._newest) > NODES:
            del self._newest[next(iter(self._newest))]
        if announcement.number > newest:
            self._presence.update_node(
                announcement.node, announcement.users, self._clock(), keys=announcement.keys
            )

    def _next(self) -> int:
        self._number += 1
        return self._number

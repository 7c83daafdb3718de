"""Presence on all nodes: frames to clients, and announcements between nodes."""

from collections.abc import Callable

from msgspec import UNSET

from chatserver import protocol
from chatserver.bus.messages import NodeState
from chatserver.models import User
from chatserver.realtime.connection import Connection
from chatserver.realtime.node_presence import NodePresence
from chatserver.realtime.presence import PresenceState
from chatserver.realtime.presence_broadcaster import Broadcast, PresenceBroadcaster
from chatserver.storage.server_profile import ServerProfile


class PresenceService:
    """Keeps `state` current as connections and other nodes come and go.

    Every change of the state goes through this class, because a broadcast has to follow it.
    """

    def __init__(
        self,
        connections: Callable[[], list[Connection]],
        broadcast: Broadcast,
        publish: Callable[[NodeState], None],
        key_names: Callable[[], list[str]],
        *,
        node: str,
        clock: Callable[[], float],
    ) -> None:
        """`publish` sends a message to the other nodes; for the rest see `hub.Hub`."""
        self.state = PresenceState()
        self._clock = clock
        self._nodes = NodePresence(self.state, publish, key_names, node=node, clock=clock)
        self._broadcaster = PresenceBroadcaster(
            self.state, connections, broadcast, self._nodes.announce, clock
        )

    def connect(self, connection: Connection) -> None:
        self.state.connect(person(connection.user))
        self._broadcaster.changed()

    def disconnect(self, connection: Connection) -> None:
        self.state.disconnect(connection.user.name)
        self._broadcaster.changed()

    def change(self, profile: protocol.Person) -> None:
        """Show a changed profile, whether the user is online or not."""
        self.state.change(profile)
        self._broadcaster.changed()

    def change_server(self, profile: ServerProfile) -> None:
        """Show a changed name or logo of the server."""
        self.state.change_server(shown_server(profile))
        self._broadcaster.changed()

    def receive(self, announcement: NodeState) -> None:
        """Store the announcement of another node."""
        self._nodes.receive(announcement)
        self._broadcaster.changed()

    def check_nodes(self) -> None:
        """Announce this node and expire silent ones."""
        self.state.expire_nodes(self._clock())
        self._nodes.announce()
        self._broadcaster.changed()

    def close(self) -> None:
        """Announce to the other nodes that this one has gone; cancel timers."""
        self._nodes.announce_stop()
        self._broadcaster.close()


def person(user: User) -> protocol.Person:
    """Return a user as clients receive it in lists of online users."""
    return protocol.Person(user.name, user.display, picture=user.picture or UNSET)


def shown_server(profile: ServerProfile) -> protocol.ServerProfile:
    """Return the profile of the server as clients receive it."""
    return protocol.ServerProfile(profile.title, profile.logo)

"""Online users of all nodes, and changed profiles, as a pure state machine: the time is passed in.

Owns the number of connections of each user here, and the lists that other nodes announced. A user
is online while any connection on any node is open.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from msgspec.structs import replace

from chatserver.protocol import Person, Presence, ServerProfile, encode_json

CHANGES_ONLY, FULL_LIST = "changes", "list"  # values of the query parameter `presence`
CHANGES_PER_FRAME = 500  # users
NODE_TTL = 30.0  # seconds without an announcement after which a node is considered gone


class PresenceState:
    """Users with an open connection, and the changes since the last call of `changes`."""

    def __init__(self) -> None:
        self._connections: Counter[str] = Counter()
        self._local: dict[str, Person] = {}
        self._online_json: bytearray | None = None  # cache of `online_json`
        self._remote: dict[str, tuple[float, dict[str, Person]]] = {}
        self._remote_keys: dict[str, list[str]] = {}  # by node
        self._announced: dict[str, Person] = {}
        self._changed: dict[str, None] = {}  # in the order of their changes
        self._profiles: dict[str, Person] = {}  # of offline users, which have changed
        self._server: ServerProfile | None = None  # if it has changed

    def connect(self, user: Person) -> bool:
        """Count a new connection of a user; return whether it is the first on this node."""
        if user != self._local.get(user.name):
            self._add_to_json(user)
        self._local[user.name] = user
        self._connections[user.name] += 1
        self._changed[user.name] = None
        return self._connections[user.name] == 1

    def disconnect(self, name: str) -> bool:
        """Count a closed connection of a user; return whether it was the last on this node."""
        self._connections[name] -= 1
        self._changed[name] = None
        if self._connections[name]:
            return False
        del self._connections[name]
        if self._local.pop(name) != self._find(name):
            self._online_json = None
        return True

    def change(self, user: Person) -> None:
        """Replace the profile of a user, who may be offline."""
        self._profiles[user.name] = user
        self._changed[user.name] = None
        if user.name in self._local:
            self._local[user.name] = user
            self._online_json = None

    def change_server(self, profile: ServerProfile) -> None:
        """Add the profile of the server to the next changes."""
        self._server = profile

    def _add_to_json(self, user: Person) -> None:
        """Append a user to the cached JSON, or invalidate it if it contains another version."""
        cached = self._find(user.name)
        if cached == user:
            return
        if cached is not None:
            self._online_json = None
        elif self._online_json is not None:
            self._online_json += b"," * bool(self._online_json) + encode_json(user)

    def local(self) -> list[Person]:
        """Return the users with a connection on this node."""
        return list(self._local.values())

    def update_node(
        self, node: str, users: Iterable[Person], now: float, *, keys: Sequence[str] = ()
    ) -> None:
        """Replace the users and signing keys of another node; they expire after NODE_TTL."""
        self._remote_keys[node] = list(keys)
        by_name = {user.name: user for user in users}
        _, before = self._remote.get(node, (0.0, {}))
        changed = {name: None for name, _ in by_name.items() ^ before.items()}
        if changed:
            self._changed |= changed
            self._online_json = None
        self._remote[node] = (now + NODE_TTL, by_name)

    def expire_nodes(self, now: float) -> None:
        """Remove nodes that have not announced themselves for NODE_TTL, with their users."""
        for node in [n for n, (until, _) in self._remote.items() if until <= now]:
            self._changed |= dict.fromkeys(self._remote.pop(node)[1])
            self._online_json = None
            self._remote_keys.pop(node, None)

    def remote_keys(self) -> list[list[str]]:
        """Return the signing keys of each other node that has any."""
        return [keys for keys in self._remote_keys.values() if keys]

    def online(self) -> list[Person]:
        """Return all online users, by name."""
        users: dict[str, Person] = {}
        for _, by_name in self._remote.values():
            users |= by_name
        return [user for _, user in sorted((users | self._local).items())]

    def online_json(self) -> bytes | bytearray:
        """Return `online` as the inside of a JSON array, in any order."""
        if self._online_json is None:
            self._online_json = bytearray(encode_json(self.online())[1:-1])
        return self._online_json

    def changes(self) -> Presence | None:
        """Return the changes since the last call, at most CHANGES_PER_FRAME, or None.

        The rest follows with the next calls, so that a frame does not grow too large.
        """
        online, offline, changed = [], [], []
        batch = list(islice(self._changed, CHANGES_PER_FRAME))
        for name in sorted(batch):
            del self._changed[name]
            user, profile = self._find(name), self._profiles.pop(name, None)
            if user is None and profile is not None:
                changed.append(replace(profile, status="offline"))
            if user is not None and self._announced.get(name) != user:
                online.append(user)
                self._announced[name] = user
            elif user is None and self._announced.pop(name, None) is not None:
                offline.append(name)
        server, self._server = self._server, None
        if not (online or offline or changed or server):
            return None
        return Presence(online=online, offline=offline, changed=changed or None, server=server)

    def _find(self, name: str) -> Person | None:
        if name in self._local:
            return self._local[name]
        remote = reversed(self._remote.values())  # as in `online`, the last one wins
        return next((p[name] for _, p in remote if name in p), None)

"""Who is online, over all nodes. A pure state machine: the clock is passed in.

Owns the counts of open sockets here and what other nodes said of theirs. A person is online while
any socket on any node is open, however many there are.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from chatserver.protocol import Person, Presence, json

CHANGED, WHOLE = "changes", "list"  # what a client may ask for
CHANGES = 500  # users in one frame of changes
NODE_TTL = 30.0  # seconds after which a node that says nothing is taken for gone


class PresenceState:
    """The people with an open socket, and what has changed since the last telling."""

    def __init__(self) -> None:
        self._sockets: Counter[str] = Counter()
        self._persons: dict[str, Person] = {}
        self._listed: bytearray | None = None  # see `listed`
        self._elsewhere: dict[str, tuple[float, dict[str, Person]]] = {}
        self._keys: dict[str, list[str]] = {}  # of other nodes
        self._told: dict[str, Person] = {}
        self._touched: dict[str, None] = {}  # in the order of their changes

    def arrive(self, person: Person) -> bool:
        """A socket of theirs opened. True: they were not here before."""
        if person != self._persons.get(person.name):
            self._list(person)
        self._persons[person.name] = person
        self._sockets[person.name] += 1
        self._touched[person.name] = None
        return self._sockets[person.name] == 1

    def depart(self, name: str) -> bool:
        """A socket of theirs closed. True: it was the last one here."""
        self._sockets[name] -= 1
        self._touched[name] = None
        if self._sockets[name]:
            return False
        del self._sockets[name]
        if self._persons.pop(name) != self._find(name):
            self._listed = None
        return True

    def _list(self, person: Person) -> None:
        """Add a user to the encoded list, which is encoded again only where it has changed."""
        known = self._find(person.name)
        if known == person:
            return
        if known is not None:
            self._listed = None
        elif self._listed is not None:
            self._listed += b"," * bool(self._listed) + json(person)

    def here(self) -> list[Person]:
        """Everybody with a socket on this node."""
        return list(self._persons.values())

    def node_says(
        self, node: str, persons: Iterable[Person], now: float, *, keys: Sequence[str] = ()
    ) -> None:
        """Another node's whole list, and its signing keys; they hold for NODE_TTL."""
        self._keys[node] = list(keys)
        listed = {person.name: person for person in persons}
        _, before = self._elsewhere.get(node, (0.0, {}))
        changed = {name: None for name, _ in listed.items() ^ before.items()}
        if changed:
            self._touched |= changed
            self._listed = None
        self._elsewhere[node] = (now + NODE_TTL, listed)

    def forget_silent_nodes(self, now: float) -> None:
        """Take the people of nodes that say nothing any more for gone."""
        for node in [n for n, (until, _) in self._elsewhere.items() if until <= now]:
            self._touched |= dict.fromkeys(self._elsewhere.pop(node)[1])
            self._listed = None
            self._keys.pop(node, None)

    def keys_elsewhere(self) -> list[list[str]]:
        """The signing keys of each other node."""
        return [keys for keys in self._keys.values() if keys]

    def online(self) -> list[Person]:
        """Everybody who is online, by name."""
        everybody: dict[str, Person] = {}
        for _, listed in self._elsewhere.values():
            everybody |= listed
        return [person for _, person in sorted((everybody | self._persons).items())]

    def listed(self) -> bytes | bytearray:
        """The same as the inside of a JSON array, in any order."""
        if self._listed is None:
            self._listed = bytearray(json(self.online())[1:-1])
        return self._listed

    def changes(self) -> Presence | None:
        """Who came and went since the last call, at most CHANGES; None when that is nobody.

        The others follow with the next calls: a frame must not be too large for its readers.
        """
        online, offline = [], []
        some = list(islice(self._touched, CHANGES))
        for name in sorted(some):
            del self._touched[name]
            person = self._find(name)
            if person is not None and self._told.get(name) != person:
                online.append(person)
                self._told[name] = person
            elif person is None and self._told.pop(name, None) is not None:
                offline.append(name)
        return Presence(online=online, offline=offline) if online or offline else None

    def _find(self, name: str) -> Person | None:
        if name in self._persons:
            return self._persons[name]
        elsewhere = reversed(self._elsewhere.values())  # in `online` the last one counts
        return next((p[name] for _, p in elsewhere if name in p), None)

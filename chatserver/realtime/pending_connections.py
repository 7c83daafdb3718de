"""Those who are on their way in: what ends or moves while their session is checked, they must know.

Owns the arrivals of this node, from the first look at a session until the socket is attached.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chatserver.bus.messages import Ended
from chatserver.errors import CloseCode, Disconnect


@dataclass(eq=False)  # two that have seen the same are still two
class PendingConnection:
    """What happened while somebody's session was checked and the rooms were read."""

    ended: list[Ended] = field(default_factory=list)
    moved: set[int] = field(default_factory=set)

    def check(self, session_id: str, user_id: int) -> None:
        """Raises Disconnect when that session, or all of that person's, ended meanwhile."""
        for end in self.ended:
            if session_id == end.session or user_id == end.user:
                raise Disconnect(CloseCode(end.code), "Your session has ended. Log in again.")

    def has_moved(self, user_id: int) -> bool:
        """Whether this person's rooms changed since the last time of asking: read them again."""
        moved = user_id in self.moved
        self.moved.discard(user_id)
        return moved


class PendingConnections:
    """Everybody who is arriving just now."""

    def __init__(self) -> None:
        self._here: list[PendingConnection] = []

    @contextmanager
    def one(self) -> Iterator[PendingConnection]:
        """One more, for as long as the block takes."""
        arrival = PendingConnection()
        self._here.append(arrival)
        try:
            yield arrival
        finally:
            self._here.remove(arrival)

    def note_moves(self, users: Iterable[int]) -> None:
        """The rooms of these people have changed."""
        for arrival in self._here:
            arrival.moved.update(users)

    def note_end(self, ended: Ended) -> None:
        """A session, or all of a person's, is over."""
        for arrival in self._here:
            arrival.ended.append(ended)

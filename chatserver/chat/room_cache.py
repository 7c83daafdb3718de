"""Cache of facts about rooms, which never change."""

from collections.abc import Collection

from chatserver.errors import NotFound
from chatserver.models import RoomFacts
from chatserver.storage.rooms import Rooms

CAPACITY = 50_000  # rooms and pairs; beyond that the cache is cleared


class RoomCache:
    """Queries each room, and each recipient of a user, once."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._facts: dict[int, RoomFacts] = {}
        self._pairs: dict[tuple[int, str], RoomFacts] = {}

    def get(self, room: int) -> RoomFacts | None:
        """Return the cached facts of a room."""
        return self._facts.get(room)

    def direct(self, user_id: int, to: str) -> RoomFacts | None:
        """Return the cached direct room of a user with the user that they address as `to`."""
        return self._pairs.get((user_id, to))

    async def fetch(self, rooms: Collection[int]) -> dict[int, RoomFacts]:
        """Return the facts of those of these rooms that exist."""
        cached = {room: self._facts[room] for room in rooms if room in self._facts}
        unknown = [room for room in rooms if room not in cached]
        queried = await self._rooms.facts(unknown) if unknown else {}
        for facts in queried.values():
            self.add(facts)
        return cached | queried

    async def fetch_one(self, room: int) -> RoomFacts:
        """Raises NotFound."""
        facts = (await self.fetch([room])).get(room)
        if facts is None:
            raise NotFound
        return facts

    def add(self, facts: RoomFacts, *, pair: tuple[int, str] | None = None) -> None:
        """Cache these facts; `pair` is the sender's id and the name used for the recipient."""
        if len(self._facts) + len(self._pairs) > CAPACITY:
            self._facts.clear()
            self._pairs.clear()
        self._facts[facts.room] = facts
        if pair is not None:
            self._pairs[pair] = facts

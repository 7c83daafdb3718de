"""What never changes about rooms: kept once it has been looked up."""

from collections.abc import Collection

from chatserver.errors import NotFound
from chatserver.models import RoomFacts
from chatserver.storage.rooms import Rooms

REMEMBERED = 50_000  # rooms and pairs of which it is kept


class RoomCache:
    """Asks the database once for each room, and for each person that somebody writes to."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._facts: dict[int, RoomFacts] = {}
        self._pairs: dict[tuple[int, str], RoomFacts] = {}

    def known(self, room: int) -> RoomFacts | None:
        """What is kept of a room."""
        return self._facts.get(room)

    def pair(self, user_id: int, to: str) -> RoomFacts | None:
        """The direct room of somebody with the person that they call so, if it is kept."""
        return self._pairs.get((user_id, to))

    async def of(self, rooms: Collection[int]) -> dict[int, RoomFacts]:
        """By room, without those that are not there."""
        kept = {room: self._facts[room] for room in rooms if room in self._facts}
        unknown = [room for room in rooms if room not in kept]
        found = await self._rooms.facts(unknown) if unknown else {}
        for facts in found.values():
            self.remember(facts)
        return kept | found

    async def one(self, room: int) -> RoomFacts:
        """Raises NotFound."""
        found = (await self.of([room])).get(room)
        if found is None:
            raise NotFound
        return found

    def remember(self, facts: RoomFacts, *, pair: tuple[int, str] | None = None) -> None:
        """Keep this; `pair`: who calls the other one how."""
        if len(self._facts) + len(self._pairs) > REMEMBERED:
            self._facts.clear()
            self._pairs.clear()
        self._facts[facts.room] = facts
        if pair is not None:
            self._pairs[pair] = facts

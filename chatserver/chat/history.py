"""Reading what was said: pages of a room, and what somebody has missed in many, as they are told.

Who may read is asked in one query (`storage.rooms.Rooms.readable`), or known from listening.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from chatserver.chat import event_cache
from chatserver.chat.event_cache import PAGE_TEXT, EventCache, Stretch, Told, fitting, weight
from chatserver.chat.room_cache import RoomCache
from chatserver.errors import NotFound, Reset
from chatserver.models import RoomFacts, RoomState, User
from chatserver.protocol import CATCH_UP_LIMIT, HISTORY_LIMIT, MAX_INT, RoomPage
from chatserver.realtime.subscriptions import Missed, ReadMissed
from chatserver.storage.log import Log
from chatserver.storage.room_list import UserRooms
from chatserver.storage.rooms import Rooms
from chatserver.text.markup import Renderer

# Those of some rooms that the asking socket listens to: how far each is, and its version.
Heard = Callable[[Iterable[int]], Mapping[int, tuple[int, int]]]
NOWHERE = (-1, event_cache.UNKEPT)

T = TypeVar("T")


def _nothing(_rooms: Iterable[int]) -> Mapping[int, tuple[int, int]]:
    return {}


class _Reach(NamedTuple):
    """A room that somebody may read, up to `head`; `left`: where a former member left it."""

    facts: RoomFacts
    head: int
    version: int
    left: int | None = None


class History:
    """The rooms of people, and what stands in them."""

    def __init__(
        self,
        rooms: Rooms,
        log: Log,
        facts: RoomCache,
        recent: EventCache,
        *,
        published: Callable[[], Awaitable[None]],
    ) -> None:
        """`published` returns when listeners know of all that can be read now."""
        self._rooms = rooms
        self._log = log
        self._facts = facts
        self._recent = recent
        self._published = published
        self.epoch = ""  # the name of the log; the database knows it at start

    async def rooms_of(self, user: User) -> UserRooms:
        """The rooms of a user, as that user sees them: the most relevant ones when there are many.

        Always read by a query that begins after this call.
        """
        return await self._rooms.of(user.id)

    async def rooms_after(
        self, user: User, room: int, *, but: Collection[int] = ()
    ) -> tuple[list[RoomState], int | None]:
        """The next rooms of a user behind this number, without some; and behind which to go on."""
        return await self._rooms.after(user.id, room, but=but)

    async def after(
        self,
        user: User,
        room: int,
        after: int,
        *,
        limit: int,
        epoch: str | None,
        heard: Heard = _nothing,
    ) -> RoomPage:
        """The events behind `after`, whole and in order up to `limit`. Raises Reset or NotFound."""
        pages = await self._pages(user, {room: after}, epoch, heard, limit)
        if not pages:
            raise NotFound
        return pages[0]

    async def before(self, user: User, room: int, before: int | None, limit: int) -> RoomPage:
        """The last messages with seq < `before`, in order; the newest ones without it."""
        return await self._reading(
            user, [room], lambda reach: self._before(reach, room, before, limit)
        )

    async def _before(
        self, reach: dict[int, _Reach], room: int, before: int | None, limit: int
    ) -> RoomPage:
        if room not in reach:
            raise NotFound
        facts, head, _version, left = reach[room]
        upto = min(before or MAX_INT, head + 1)
        events = await self._log.before(facts, upto, limit + 1, left=left)
        newest = events[-limit:]
        newest = newest[len(newest) - fitting(weight(event) for event in reversed(newest)) :]
        told = (await self._recent.encoded(newest)).get(room, [])
        return _page(room, told, head, more=len(events) > len(told))

    async def catch_up(
        self, user: User, positions: dict[int, int], epoch: str | None, heard: Heard = _nothing
    ) -> tuple[list[RoomPage], list[int]]:
        """What is new in many rooms, and which of them this person may not read.

        At most CATCH_UP_LIMIT events in all; a page that wants another call says `more`. `heard`
        are rooms that the asking socket listens to: whoever hears a room may read it.
        """
        if epoch not in (None, self.epoch):
            raise Reset(self.epoch)
        pages = await self._pages(user, positions, epoch, heard, HISTORY_LIMIT)
        return pages, sorted(positions.keys() - {page.room for page in pages})

    async def _pages(
        self,
        user: User,
        positions: dict[int, int],
        epoch: str | None,
        heard: Heard,
        limit: int,
    ) -> list[RoomPage]:
        """What stands behind the positions in those of the rooms that this person may read.

        What somebody hears needs no query, unless something has changed while it was put together.
        Raises Reset.
        """
        known = heard(positions)
        if all(after <= known.get(room, NOWHERE)[0] for room, after in positions.items()):
            facts = await self._facts.of(positions)
            reach = {room: _Reach(facts[room], *known[room]) for room in sorted(facts)}
            pages = await self._read(reach, positions, epoch, limit)
            await self._published()
            now = heard(positions)
            if all(now.get(room, NOWHERE)[1] == version for room, (_, version) in known.items()):
                return pages
        return await self._reading(
            user, positions, lambda reach: self._read(reach, positions, epoch, limit)
        )

    async def _reading(
        self, user: User, rooms: Iterable[int], read: Callable[[dict[int, _Reach]], Awaitable[T]]
    ) -> T:
        """What `read` makes of the rooms that a user may read, in order.

        Repeated when a membership ended meanwhile: what was read may be newer than that.
        """
        reach = await self._readable(user, rooms)
        while True:
            found = await read(reach)
            known, reach = reach, await self._readable(user, rooms) if reach else reach
            if _departures(known) == _departures(reach):
                return found

    async def _readable(self, user: User, positions: Iterable[int]) -> dict[int, _Reach]:
        readable = await self._rooms.readable(user.id, positions)
        return {
            room: _Reach(access.facts, access.head, event_cache.UNKEPT, access.left)
            for room, access in sorted(readable.items())
        }

    async def _read(
        self, reach: dict[int, _Reach], positions: dict[int, int], epoch: str | None, limit: int
    ) -> list[RoomPage]:
        """As much as goes into one answer. Raises Reset."""
        beyond = any(positions[room] > reached.head for room, reached in reach.items())
        if reach and (beyond or epoch not in (None, self.epoch)):
            raise Reset(self.epoch)
        found = await self._recent.read(_stretches(reach, positions, limit))
        pages, left = [], PAGE_TEXT
        for room, (_facts, head, _version, _left) in reach.items():
            told = found.get(room, [])
            told = told[: fitting((one.length for one in told), left)]
            left -= sum(one.length for one in told)
            pages.append(_page(room, told, head, more=positions[room] + len(told) < head))
        return pages


def gap_reader(rooms: Rooms, log: Log, renderer: Renderer) -> ReadMissed:
    """What the hub reads holes with.

    Who has left is asked last, so that the events are not in a newer state than that.
    """

    async def read(room: int, after: int) -> Missed:
        facts = (await rooms.facts([room])).get(room)
        events = await log.after(facts, after, MAX_INT, HISTORY_LIMIT) if facts else []
        events = events[: fitting(weight(event) for event in events)]
        await renderer.prepare(event.data for event in events)
        left = await rooms.left_since(room, after)
        return Missed(events, left)

    return read


def _departures(reach: dict[int, _Reach]) -> dict[int, int | None]:
    """Where the user left each of these rooms."""
    return {room: reached.left for room, reached in reach.items()}


def _page(room: int, told: Sequence[Told], head: int, *, more: bool) -> RoomPage:
    events: list[Any] = [one.json for one in told]  # as they are in the answer already
    return RoomPage(room=room, events=events, head=head, more=more)


def _stretches(reach: dict[int, _Reach], positions: dict[int, int], limit: int) -> list[Stretch]:
    """What to read of each room so that the whole stays within the limit."""
    left, stretches = CATCH_UP_LIMIT, []
    for room, (facts, head, version, departed) in reach.items():
        after = positions[room]
        upto = min(head, after + min(left, limit))
        if upto > after:
            left -= upto - after
            stretches.append(Stretch(facts, version, after, upto, departed))
    return stretches

"""What people can do in a conversation: every rule of it. May they? store it; tell the others.

Who may write is asked inside the storing transaction (`storage.log`), who may read in one query
(`storage.rooms.Rooms.readable`). Keeps only what never changes: which room is whose.
"""

import re
import secrets
import unicodedata
from collections.abc import Awaitable, Callable, Iterable

from chatserver.config import LimitSettings
from chatserver.errors import BadRequest, NotFound, Reset, TooLarge, _
from chatserver.journal import Journal, Settle
from chatserver.limits import Rate
from chatserver.models import (
    EVERYBODY,
    OWN_ID,
    Act,
    Delete,
    Draft,
    Edit,
    Event,
    Message,
    Page,
    React,
    RoomFacts,
    RoomState,
    User,
    name_key,
)
from chatserver.protocol import (
    CATCH_UP_LIMIT,
    HISTORY_LIMIT,
    MAX_INT,
    DeleteMessage,
    EditMessage,
    ReactTo,
    SayToPerson,
    SayToRoom,
)
from chatserver.storage.log import Log
from chatserver.storage.people import People
from chatserver.storage.repeats import digest
from chatserver.storage.rooms import Access, Rooms

REMEMBERED = 50_000  # rooms and names whose unchanging facts are kept
PAGE_TEXT = 60_000  # characters in one answer: a slow reader must not be hung up for what it asked
MENTION = re.compile(r"(?<![A-Za-z0-9_.])[@＠]([\w.-]{2,32})")
EMOJI_PARTS = frozenset("\u200d\ufe0e\ufe0f\u20e30123456789#*") | {
    chr(code) for code in range(0xE0020, 0xE0080)
}


class Chat:
    """Messages and the history of rooms."""

    def __init__(
        self,
        journal: Journal,
        log: Log,
        rooms: Rooms,
        people: People,
        rate: Rate,
        *,
        limits: LimitSettings,
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives milliseconds UTC."""
        self._journal = journal
        self._log = log
        self._rooms = rooms
        self._people = people
        self._rate = rate
        self._limits = limits
        self._facts: dict[int, RoomFacts] = {}
        self._pairs: dict[tuple[int, str], RoomFacts] = {}
        self._called = {"all": EVERYBODY}
        self._clock = clock
        self.epoch = ""  # the name of the log; the database knows it at start

    # Saying something -----------------------------------------------------------------------------

    async def send_message(self, who: User, said: SayToRoom | SayToPerson, settle: Settle) -> None:
        """Store a message; `settle` gets the receipt once it is on disk, before the room hears it.

        Raises a ChatError when it is refused at once.
        """
        self._check_text(said.data)
        self._rate.take(who.id)
        facts = await self._destination(who, said)
        self._say(who, facts, said, await self._mentions(said.data), settle)

    def send_at_once(self, who: User, said: SayToRoom | SayToPerson, settle: Settle) -> bool:
        """The same without waiting, where nothing has to be looked up. False: it has to be.

        Only the first message to a room or a person needs that, and one that calls somebody.
        """
        facts = self._known(who, said)
        if facts is None or mentioned(said.data):
            return False
        self._check_text(said.data)
        self._rate.take(who.id)
        self._say(who, facts, said, (), settle)
        return True

    def _say(
        self,
        who: User,
        facts: RoomFacts,
        said: SayToRoom | SayToPerson,
        mentions: tuple[int, ...],
        settle: Settle,
    ) -> None:
        act = Message(said.data, facts.partner(who.id), said.reply_to, mentions)
        self._journal.append(_draft(who, facts, said.id, act), settle)

    async def edit(self, who: User, asked: EditMessage, settle: Settle) -> None:
        """Give one's own message another text."""
        self._check_text(asked.data)
        act = Edit(asked.target, asked.data, await self._mentions(asked.data), self._editable())
        await self._act(who, asked.room, asked.id, act, settle)

    async def delete(self, who: User, asked: DeleteMessage, settle: Settle) -> None:
        """Take a message's text away for good."""
        await self._act(who, asked.room, asked.id, Delete(asked.target), settle)

    async def react(self, who: User, asked: ReactTo, settle: Settle) -> None:
        """Put an emoji to a message, or take it back."""
        if not is_emoji(asked.emoji):
            raise BadRequest(_("A reaction is one emoji."))
        act = React(asked.target, asked.emoji, asked.on)
        await self._act(who, asked.room, asked.id, act, settle)

    async def _act(
        self, who: User, room: int, request_id: str | None, act: Act, settle: Settle
    ) -> None:
        self._rate.take(who.id)
        facts = self._facts.get(room) or await self._learn(room)
        self._journal.append(_draft(who, facts, request_id, act), settle)

    def _editable(self) -> int:
        """Messages said before this time (ms) may not be edited any more."""
        minutes = self._limits.edit_minutes
        return self._clock() - minutes * 60_000 if minutes else 0

    def _check_text(self, text: str) -> None:
        if not text.strip():
            raise BadRequest(_("A message needs some text."))
        if len(text) > self._limits.message_chars:
            raise TooLarge(
                _("A message has at most %(count)d characters."), count=self._limits.message_chars
            )

    async def _mentions(self, text: str) -> tuple[int, ...]:
        """Whom a text calls: the ids of those accounts, EVERYBODY for @all."""
        called = mentioned(text)
        unknown = [name for name in called if name not in self._called]
        if unknown:
            found = await self._people.ids(unknown)
            if len(self._called) > REMEMBERED:
                self._called = {"all": EVERYBODY}
            self._called |= {key: user_id for key, (user_id, _name) in found.items()}
        return tuple(sorted({self._called[name] for name in called if name in self._called}))

    async def _destination(self, who: User, said: SayToRoom | SayToPerson) -> RoomFacts:
        known = self._known(who, said)
        if known is not None:
            return known
        if isinstance(said, SayToPerson) and said.to is not None:
            return await self._direct(who, said.to)
        if said.room is None:
            raise BadRequest(_("To whom? Name a person in 'to', or a room."))
        return await self._learn(said.room)

    def _known(self, who: User, said: SayToRoom | SayToPerson) -> RoomFacts | None:
        if isinstance(said, SayToPerson) and said.to is not None:
            return self._pairs.get((who.id, said.to))
        return self._facts.get(said.room or 0)

    async def _learn(self, room: int) -> RoomFacts:
        found = (await self._rooms.facts([room])).get(room)
        if found is None:
            raise NotFound
        self._remember(found)
        return found

    async def _direct(self, who: User, to: str) -> RoomFacts:
        found = await self._people.find(to)
        if found is None:
            raise NotFound(_("There is nobody of that name."))
        other, _hash = found
        facts, _made = await self._rooms.direct((who.id, who.name), (other.id, other.name))
        self._remember(facts)
        self._pairs[who.id, to] = facts
        return facts

    def _remember(self, facts: RoomFacts) -> None:
        if len(self._facts) + len(self._pairs) > REMEMBERED:
            self._facts.clear()
            self._pairs.clear()
        self._facts[facts.room] = facts

    # Reading --------------------------------------------------------------------------------------

    async def rooms_of(self, user: User) -> list[RoomState]:
        """Every room of a person, as that person sees it."""
        return await self._rooms.of(user.id)

    async def after(self, user: User, room: int, after: int, limit: int, epoch: str | None) -> Page:
        """The events behind `after`, whole and in order up to `limit`. Raises Reset or NotFound."""
        access = await self._access(user, room)
        if after > access.head or epoch not in (None, self.epoch):
            raise Reset(self.epoch)
        events = await self._log.after(access.facts, after, access.head, limit)
        return _page(room, after, _fitting(events), access.head)

    async def before(self, user: User, room: int, before: int | None, limit: int) -> Page:
        """The last messages with seq < `before`, in order; the newest ones without it."""
        access = await self._access(user, room)
        upto = min(before or MAX_INT, access.head + 1)
        events = await self._log.before(access.facts, upto, limit + 1)
        newest = _fitting(events[-limit:][::-1])[::-1]
        return Page(room, newest, access.head, more=len(events) > len(newest))

    async def catch_up(
        self, user: User, positions: dict[int, int], epoch: str | None
    ) -> tuple[list[Page], list[int]]:
        """What is new in many rooms, and which of them this person may not read.

        At most CATCH_UP_LIMIT events in all; a page that wants another call says `more`.
        """
        readable = await self._rooms.readable(user.id, positions)
        beyond = any(positions[room] > access.head for room, access in readable.items())
        if beyond or epoch not in (None, self.epoch):
            raise Reset(self.epoch)
        found = await self._log.stretches(_stretches(readable, positions))
        events = _by_room(_fitting(found))
        pages = [
            _page(room, positions[room], events.get(room, []), access.head)
            for room, access in sorted(readable.items())
        ]
        return pages, sorted(positions.keys() - readable.keys())

    async def _access(self, user: User, room: int) -> Access:
        access = (await self._rooms.readable(user.id, [room])).get(room)
        if access is None:
            raise NotFound
        return access


def hole_reader(rooms: Rooms, log: Log) -> Callable[[int, int], Awaitable[list[Event]]]:
    """What the hub reads holes with: for a room and a seq, the events behind it, some at a time."""

    async def read(room: int, after: int) -> list[Event]:
        facts = (await rooms.facts([room])).get(room)
        return _fitting(await log.after(facts, after, MAX_INT, HISTORY_LIMIT)) if facts else []

    return read


def _draft(who: User, facts: RoomFacts, request_id: str | None, act: Act) -> Draft:
    """What is to be stored. What has no id gets one of ours, which no client can send."""
    return Draft(
        room=facts.room,
        user_id=who.id,
        user=who.name,
        id=request_id or f"{OWN_ID}{secrets.token_urlsafe(9)}",
        digest=digest(act, facts.room),
        act=act,
        admin=who.is_admin,
        people=facts.people,
        own_id=request_id is None,
    )


def mentioned(text: str) -> set[str]:
    """The name keys that a text calls with @, half or full width; "all" is everybody."""
    if "@" not in text and "＠" not in text:
        return set()
    return {name_key(name.rstrip(".-_")) for name in MENTION.findall(text)}


def is_emoji(text: str) -> bool:
    """Whether this is a single emoji: symbols with their joiners and variations, no letters."""
    categories = {unicodedata.category(c) for c in text if c not in EMOJI_PARTS}
    return categories <= {"So", "Sk", "Sm", "Cn"} and bool(categories or "\u20e3" in text)


def _fitting(events: list[Event]) -> list[Event]:
    """The first events, as far as their text goes into one answer; one at least."""
    left = PAGE_TEXT
    for number, event in enumerate(events):
        if left <= 0:
            return events[:number]
        left -= len(event.data)
    return events


def _page(room: int, after: int, events: list[Event], head: int) -> Page:
    return Page(room, events, head, more=after + len(events) < head)


def _stretches(
    readable: dict[int, Access], positions: dict[int, int]
) -> list[tuple[RoomFacts, int, int]]:
    """What to read of each room so that the whole stays within the limit."""
    left, stretches = CATCH_UP_LIMIT, []
    for room, access in sorted(readable.items()):
        after = positions[room]
        upto = min(access.head, after + min(left, HISTORY_LIMIT))
        if upto > after:
            left -= upto - after
            stretches.append((access.facts, after, upto))
    return stretches


def _by_room(events: Iterable[Event]) -> dict[int, list[Event]]:
    rooms: dict[int, list[Event]] = {}
    for event in events:
        rooms.setdefault(event.room, []).append(event)
    return rooms

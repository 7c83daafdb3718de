"""What people can say in a conversation: every rule of it. May they? store it; tell the others.

Who may write is asked inside the storing transaction (`storage.log`).
"""

import re
import secrets
import unicodedata
from collections.abc import Callable

from chatserver.config import LimitSettings
from chatserver.errors import BadRequest, NotFound, TooLarge, _
from chatserver.facts import Facts
from chatserver.journal import Journal, Settle
from chatserver.limits import Rate
from chatserver.models import (
    EVERYBODY,
    OWN_ID,
    Act,
    Delete,
    Draft,
    Edit,
    Message,
    React,
    RoomFacts,
    User,
    name_key,
)
from chatserver.protocol import (
    DeleteMessage,
    EditMessage,
    ReactTo,
    SayToPerson,
    SayToRoom,
)
from chatserver.storage.people import People
from chatserver.storage.repeats import digest
from chatserver.storage.rooms import Rooms

REMEMBERED = 50_000  # names whose accounts are kept
CALL = re.compile(r"(?<![A-Za-z0-9_.])[@＠]")
NAME_LENGTH = 32  # characters of a user name at most
PART = (
    "([^\\x00-\\x7f\u200d])[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?\ufe0f?[\U000e0020-\U000e007f]*"
)
EMOJI = re.compile(f"{PART}(?:\u200d{PART}){{0,9}}")
FLAG_OR_KEY = re.compile("[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3")
SYMBOLS = frozenset({"So", "Sm", "Cn"})  # what emoji are, those of later Unicodes too


class Chat:
    """Messages, and what is done to them."""

    def __init__(
        self,
        journal: Journal,
        rooms: Rooms,
        people: People,
        facts: Facts,
        rate: Rate,
        *,
        limits: LimitSettings,
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives milliseconds UTC."""
        self._journal = journal
        self._rooms = rooms
        self._people = people
        self._rate = rate
        self._limits = limits
        self._facts = facts
        self._called = {"all": EVERYBODY}
        self._clock = clock

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
        facts = self._facts.known(room) or await self._facts.one(room)
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
        return await self._facts.one(said.room)

    def _known(self, who: User, said: SayToRoom | SayToPerson) -> RoomFacts | None:
        if isinstance(said, SayToPerson) and said.to is not None:
            return self._facts.pair(who.id, said.to)
        return self._facts.known(said.room or 0)

    async def _direct(self, who: User, to: str) -> RoomFacts:
        found = await self._people.find(to)
        if found is None:
            raise NotFound(_("There is nobody of that name."))
        other, _hash = found
        facts, _made = await self._rooms.direct((who.id, who.name), (other.id, other.name))
        self._facts.remember(facts, pair=(who.id, to))
        return facts


def _draft(who: User, facts: RoomFacts, request_id: str | None, act: Act) -> Draft:
    """What is to be stored. What has no id gets one of ours, which no client can send."""
    return Draft(
        room=facts.room,
        user_id=who.id,
        user=who.name,
        id=request_id or f"{OWN_ID}{secrets.token_urlsafe(9)}",
        digest=digest(act, facts.room),
        act=act,
        people=facts.people,
        own_id=request_id is None,
    )


def mentioned(text: str) -> set[str]:
    """The name keys that a text calls with @, half or full width; "all" is everybody.

    Dots and dashes at the end may belong to the name or to the sentence, so both are tried.
    """
    if "@" not in text and "＠" not in text:
        return set()
    called = {_name_at(text, found.end()) for found in CALL.finditer(text)}
    called |= {name.rstrip(".-_") for name in called}
    return {name_key(name) for name in called if len(name) > 1}


def _name_at(text: str, start: int) -> str:
    """Letters of any script with their marks, digits, and what else a name may have."""
    end = start
    for character in text[start : start + NAME_LENGTH]:
        if character not in "._-" and unicodedata.category(character)[0] not in "LMN":
            break
        end += 1
    return text[start:end]


def is_emoji(text: str) -> bool:
    """Whether this is a single emoji: one symbol, or several that are joined; no letters."""
    if FLAG_OR_KEY.fullmatch(text):
        return True
    parts = [part[0] for part in text.split("\u200d") if part]
    return bool(EMOJI.fullmatch(text)) and {unicodedata.category(c) for c in parts} <= SYMBOLS

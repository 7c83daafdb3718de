"""What people can say in a conversation: every rule of it. May they? store it; tell the others.

Who may write is asked inside the storing transaction (`storage.log`).
"""

from collections.abc import Awaitable, Callable

from chatserver.chat.room_cache import RoomCache
from chatserver.config import LimitSettings
from chatserver.errors import BadRequest, ChatError, TooLarge, _
from chatserver.models import (
    Act,
    Delete,
    Draft,
    Edit,
    Event,
    Message,
    React,
    Receipt,
    RoomFacts,
    RoomKind,
    User,
)
from chatserver.protocol import (
    DeleteMessage,
    EditMessage,
    ReactTo,
    SayToPerson,
    SayToRoom,
)
from chatserver.storage.idempotency import digest, own_id
from chatserver.storage.journal import Journal, Settle
from chatserver.text.emoji import qualified, was_a_reaction
from chatserver.text.markup import Renderer, is_costly
from chatserver.text.mentions import mentioned
from chatserver.text.names import shows

Work = Awaitable[None] | None  # what is left to be done, if anything


class Chat:
    """Messages, and what is done to them."""

    def __init__(
        self,
        journal: Journal,
        facts: RoomCache,
        renderer: Renderer,
        *,
        limits: LimitSettings,
        clock: Callable[[], int],
    ) -> None:
        """`clock` gives milliseconds UTC."""
        self._journal = journal
        self._renderer = renderer
        self._limits = limits
        self._facts = facts
        self._clock = clock

    # Saying something -----------------------------------------------------------------------------

    def send_message(self, who: User, said: SayToRoom | SayToPerson, settle: Settle) -> Work:
        """Store a message; `settle` gets the receipt once it is on disk, before the room hears it.

        Raises a ChatError when it is refused at once. Only a text that is costly to render has to
        be awaited.
        """
        to = said.to if isinstance(said, SayToPerson) else None
        if to is None and said.room is None:
            raise BadRequest(_("Name a recipient in 'to', or a room in 'room'."))
        self._check_text(said.data)
        room = said.room or 0
        known = self._facts.known(room) if to is None else self._facts.pair(who.id, to)
        partner = known.partner(who.id) if known else None
        act = Message(said.data, partner, said.reply_to, mentioned(said.data))
        if known is not None:
            return self._store(said.data, _draft(who, known, said.id, act), settle)
        draft = _unresolved(who, said.id, act, room=room, to=to)
        return self._store(said.data, draft, self._learning(who, to, settle))

    def _store(self, text: str, draft: Draft, settle: Settle) -> Work:
        if is_costly(text):
            return self._store_rendered(text, draft, settle)
        self._journal.append(draft, settle)
        return None

    async def _store_rendered(self, text: str, draft: Draft, settle: Settle) -> None:
        await self._renderer.prepare([text])
        self._journal.append(draft, settle)

    def _learning(self, who: User, to: str | None, settle: Settle) -> Settle:
        """As `settle`; what storage has found out about the room is kept."""

        def learn(outcome: Receipt | ChatError) -> None:
            if isinstance(outcome, Receipt) and outcome.event is not None:
                facts = _facts_of(who, outcome.event)
                self._facts.remember(facts, pair=(who.id, to) if to is not None else None)
            settle(outcome)

        return learn

    def edit(self, who: User, asked: EditMessage, settle: Settle) -> Work:
        """Give one's own message another text."""
        self._check_text(asked.data)
        act = Edit(asked.target, asked.data, mentioned(asked.data), self._editable())
        return self._store(asked.data, self._acting(who, asked.room, asked.id, act), settle)

    def delete(self, who: User, asked: DeleteMessage, settle: Settle) -> None:
        """Take a message's text away for good."""
        draft = self._acting(who, asked.room, asked.id, Delete(asked.target))
        self._journal.append(draft, settle)

    def react(self, who: User, asked: ReactTo, settle: Settle) -> None:
        """Put an emoji to a message, or take it back."""
        emoji = qualified(asked.emoji)
        if emoji is None and (asked.on or not was_a_reaction(asked.emoji)):
            raise BadRequest(_("A reaction is one emoji."))
        act = React(asked.target, emoji or asked.emoji, asked.on)
        self._journal.append(self._acting(who, asked.room, asked.id, act), settle)

    def _acting(self, who: User, room: int, request_id: str | None, act: Act) -> Draft:
        known = self._facts.known(room)
        if known is None:
            return _unresolved(who, request_id, act, room=room)
        return _draft(who, known, request_id, act)

    def _editable(self) -> int:
        """Messages said before this time (ms) may not be edited any more."""
        minutes = self._limits.edit_minutes
        return self._clock() - minutes * 60_000 if minutes else 0

    def _check_text(self, text: str) -> None:
        if not shows(text):
            raise BadRequest(_("A message needs some text."))
        if len(text) > self._limits.message_chars:
            raise TooLarge(
                _("A message has at most %(count)d characters."), count=self._limits.message_chars
            )


def _draft(who: User, facts: RoomFacts, request_id: str | None, act: Act) -> Draft:
    """What is to be stored. What has no id gets one of ours, which no client can send."""
    return Draft(
        room=facts.room,
        user_id=who.id,
        user=who.name,
        id=request_id or own_id(),
        digest=digest(act, facts.room),
        act=act,
        people=facts.people,
        own_id=request_id is None,
    )


def _unresolved(
    who: User, request_id: str | None, act: Act, *, room: int, to: str | None = None
) -> Draft:
    """A draft whose room storage looks up: by its number, or by the recipient's name."""
    return Draft(
        room=0 if to is not None else room,
        user_id=who.id,
        user=who.name,
        id=request_id or own_id(),
        digest="",
        act=act,
        own_id=request_id is None,
        to=to,
        resolved=False,
    )


def _facts_of(who: User, message: Event) -> RoomFacts:
    """What a new message of this sender says about its room."""
    if message.to is None:
        return RoomFacts(message.room, RoomKind.GROUP)
    names = {who.id: who.name}
    pair = tuple((user_id, names.get(user_id, message.to)) for user_id in sorted(message.people))
    return RoomFacts(message.room, RoomKind.DIRECT, pair)

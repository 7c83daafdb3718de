"""Commands on messages: validates them and appends drafts to the journal, which notifies.

Rights are checked in the transaction that stores the event (`storage.apply_message`).
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from chatserver.chat.room_cache import RoomCache
from chatserver.config import FileSettings, LimitSettings
from chatserver.errors import NEEDS_TEXT, BadRequest, ChatError, TooLarge, _
from chatserver.models import (
    Act,
    Delete,
    Draft,
    Edit,
    Event,
    Post,
    React,
    Receipt,
    RoomFacts,
    RoomKind,
    User,
)
from chatserver.storage.idempotency import generate_id, new_draft
from chatserver.storage.journal import Journal, Settle
from chatserver.text.emoji import is_legacy_reaction, qualified
from chatserver.text.markup import Renderer, is_costly
from chatserver.text.mentions import mentioned
from chatserver.text.names import shows

MaybeAwaitable = Awaitable[None] | None  # to be awaited, if a text is costly to render


class MessageRef(NamedTuple):
    """A message: the number of its room and its `seq`."""

    room: int
    seq: int


class MessageCommands:
    """Commands that send, edit and delete messages, and react to them."""

    def __init__(
        self,
        journal: Journal,
        room_cache: RoomCache,
        renderer: Renderer,
        *,
        limits: LimitSettings,
        files: FileSettings,
        clock: Callable[[], int],
    ) -> None:
        """`clock` returns milliseconds UTC."""
        self._files_per_message = files.per_message
        self._journal = journal
        self._renderer = renderer
        self._limits = limits
        self._room_cache = room_cache
        self._clock = clock

    # Commands -------------------------------------------------------------------------------------

    def send(
        self,
        user: User,
        text: str,
        settle: Settle,
        *,
        room: int | None = None,
        to: str | None = None,
        reply_to: int | None = None,
        files: Sequence[str] | None = None,
        request_id: str | None = None,
    ) -> MaybeAwaitable:
        """Store a message with these uploads to a room, or to the user named `to`.

        `settle` gets the receipt once it is on disk, before it is published. Raises a ChatError if
        the message is refused at once. Only a text that is costly to render has to be awaited.
        """
        if to is None and room is None:
            raise BadRequest(_("'to' or 'room' is missing."))
        _require_content(text, files)
        self._check_size(text, files)
        facts = (
            self._room_cache.get(room or 0) if to is None else self._room_cache.direct(user.id, to)
        )
        recipient = facts.partner(user.id) if facts else None
        act = Post(text, recipient, reply_to, mentioned(text), tuple(files) if files else None)
        if facts is not None:
            room, ids = facts.room, facts.participants
            draft = new_draft(room, user.id, user.name, act, request_id, participants=ids)
        else:
            draft = _unresolved(user, request_id, act, room=room or 0, to=to)
            settle = self._caching(user, to, settle)
        if is_costly(text):
            return self._store_rendered(text, draft, settle)
        self._journal.append(draft, settle)
        return None

    async def _store_rendered(self, text: str, draft: Draft, settle: Settle) -> None:
        await self._renderer.prepare([text])
        self._journal.append(draft, settle)

    def _caching(self, user: User, to: str | None, settle: Settle) -> Settle:
        """Return a `settle` that also caches what storage found out about the room."""

        def cache(outcome: Receipt | ChatError) -> None:
            if isinstance(outcome, Receipt) and outcome.event is not None:
                facts = _facts_of(user, outcome.event)
                self._room_cache.add(facts, pair=(user.id, to) if to is not None else None)
            settle(outcome)

        return cache

    def edit(
        self,
        user: User,
        message: MessageRef,
        text: str,
        settle: Settle,
        *,
        files: Sequence[str] | None = None,
        request_id: str | None = None,
    ) -> MaybeAwaitable:
        """Replace the text of the user's own message, and its files unless they are None."""
        if files is not None:
            _require_content(text, files)  # otherwise its files may be kept: see `apply_message`
        self._check_size(text, files)
        kept = None if files is None else tuple(files)
        act = Edit(message.seq, text, mentioned(text), self._editable_since(), kept)
        draft = self._draft_in(user, message.room, request_id, act)
        if is_costly(text):
            return self._store_rendered(text, draft, settle)
        self._journal.append(draft, settle)
        return None

    def delete(
        self, user: User, message: MessageRef, settle: Settle, *, request_id: str | None = None
    ) -> None:
        """Delete a message's text for good."""
        draft = self._draft_in(user, message.room, request_id, Delete(message.seq))
        self._journal.append(draft, settle)

    def react(
        self,
        user: User,
        message: MessageRef,
        emoji: str,
        settle: Settle,
        *,
        on: bool,
        request_id: str | None = None,
    ) -> None:
        """Add a reaction to a message, or remove it."""
        canonical = qualified(emoji)
        if canonical is None and (on or not is_legacy_reaction(emoji)):
            raise BadRequest(_("A reaction is one emoji."))
        act = React(message.seq, canonical or emoji, on)
        self._journal.append(self._draft_in(user, message.room, request_id, act), settle)

    def _draft_in(self, user: User, room: int, request_id: str | None, act: Act) -> Draft:
        facts = self._room_cache.get(room)
        if facts is None:
            return _unresolved(user, request_id, act, room=room)
        ids = facts.participants
        return new_draft(room, user.id, user.name, act, request_id, participants=ids)

    def _editable_since(self) -> int:
        """Return the time (ms UTC) of the oldest message that may still be edited."""
        minutes = self._limits.edit_minutes
        return self._clock() - minutes * 60_000 if minutes else 0

    def _check_size(self, text: str, files: Sequence[str] | None) -> None:
        if files and len(files) > self._files_per_message:
            raise BadRequest(
                _("A message has at most %(count)d files."), count=self._files_per_message
            )
        if len(text) > self._limits.message_chars:
            raise TooLarge(
                _("A message has at most %(count)d characters."), count=self._limits.message_chars
            )


def _require_content(text: str, files: Sequence[str] | None) -> None:
    if not files and not shows(text):
        raise BadRequest(NEEDS_TEXT)


def _unresolved(
    user: User, request_id: str | None, act: Act, *, room: int, to: str | None = None
) -> Draft:
    """Build a draft whose room storage resolves: by number, or by the recipient's name."""
    return Draft(
        room=0 if to is not None else room,
        user_id=user.id,
        user=user.name,
        id=request_id or generate_id(),
        digest="",
        act=act,
        generated_id=request_id is None,
        to=to,
        resolved=False,
    )


def _facts_of(user: User, message: Event) -> RoomFacts:
    """Derive the facts of a room from a message that was stored in it."""
    if message.to is None:
        return RoomFacts(message.room, RoomKind.GROUP)
    names = {user.id: user.name}
    pair = tuple(
        (user_id, names.get(user_id, message.to)) for user_id in sorted(message.participants)
    )
    return RoomFacts(message.room, RoomKind.DIRECT, pair)

"""Limit of the number of different emoji on one message.

Only messages that may exceed it are read: those with almost as many emoji already.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import BadRequest, _
from chatserver.storage.bulk import RowLookup
from chatserver.storage.tables import EventRef, reactions

MAX_EMOJI = 50  # different emoji on one message

Reaction = tuple[str, int]  # emoji and user id


@dataclass(slots=True)
class ManyEmoji:
    """Reactions to a message that may exceed MAX_EMOJI, as far as a batch names them."""

    emoji_count: int  # different emoji of all reactions
    counts: dict[str, int]  # by emoji
    existing: set[Reaction]

    def copy(self) -> "ManyEmoji":
        return ManyEmoji(self.emoji_count, dict(self.counts), set(self.existing))

    def add(self, reaction: Reaction) -> None:
        """Raise BadRequest above MAX_EMOJI."""
        emoji, _user = reaction
        if reaction in self.existing:
            return
        if not self.counts.get(emoji):
            if self.emoji_count >= MAX_EMOJI:
                raise BadRequest(_("This message has too many different reactions."))
            self.emoji_count += 1
        self.existing.add(reaction)
        self.counts[emoji] = self.counts.get(emoji, 0) + 1

    def remove(self, reaction: Reaction) -> None:
        if reaction in self.existing:
            self.existing.remove(reaction)
            self.counts[reaction[0]] -= 1
            self.emoji_count -= not self.counts[reaction[0]]


def read_many_emoji(
    connection: Connection,
    emoji_counts: Mapping[EventRef, int],
    named: Iterable[tuple[int, int, str, int]],
) -> dict[EventRef, ManyEmoji]:
    """Return the reactions to messages that have so many emoji, limited to the `named` ones."""
    found = {ref: ManyEmoji(count, {}, set()) for ref, count in emoji_counts.items()}
    keys = {key for key in named if key[:2] in found}
    if not keys:
        return found
    counts = _COUNTS.rows(connection, sorted({key[:3] for key in keys}))
    for room, seq, emoji, many in map(tuple, counts):
        found[room, seq].counts[emoji] = many
    for room, seq, emoji, user_id in map(tuple, _EXISTING.rows(connection, sorted(keys))):
        found[room, seq].existing.add((emoji, user_id))
    return found


_EMOJI = (reactions.c.room_id, reactions.c.seq, reactions.c.emoji)
_COUNTS = RowLookup(sa.select(*_EMOJI, sa.func.count()).group_by(*_EMOJI), *_EMOJI)
_REACTION = (*_EMOJI, reactions.c.user_id)
_EXISTING = RowLookup(sa.select(*_REACTION), *_REACTION)

"""Row changes of a batch of messages and of acts on them, written with a few statements.

The text of a message is stored in `events`, its tokens in `search`, its mentions in `mentions`.
A deletion removes all of it: see `text_erasure`.
"""

from collections import Counter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import ALL_MEMBERS, Delete, Draft, Edit, Event, EventKind, Post, React
from chatserver.storage import search_index
from chatserver.storage.account_lookup import accounts_by_key
from chatserver.storage.bulk import BulkDelete, BulkInsert, CounterUpdate
from chatserver.storage.search_index import Entry
from chatserver.storage.tables import EventRef, ExactText, events, mentions, reactions, rooms
from chatserver.storage.text_erasure import erase_texts
from chatserver.text.mentions import ALL_MEMBERS_NAMES, meanings


class BatchWrites:
    """Collects changes in the order of the drafts; `write` stores the final state."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []  # of `_EVENT_ROWS`
        self._entries: list[Entry] = []
        self._mentioned: dict[EventRef, tuple[str, ...]] = {}  # name keys
        self._edited: dict[EventRef, Entry] = {}
        self._deleted: set[EventRef] = set()
        self._reacted: dict[tuple[int, int, str, int], bool] = {}  # with emoji and user

    def add_message(self, draft: Draft, event: Event, act: Post) -> None:
        self._rows.append(_row(draft, event, event.data, act.reply_to))
        self._entries.append(Entry(event.room, event.seq, draft.user_id, event.data, event.files))
        if act.mentions:
            self._mentioned[event.room, event.seq] = act.mentions

    def add_act(self, draft: Draft, event: Event) -> None:
        """Add the event of an act. The text of an edit is stored in the message only."""
        body = ""
        if event.kind is EventKind.REACT:
            body = ("+" if event.on else "-") + event.data
        self._rows.append(_row(draft, event, body, None))

    def add_edit(self, draft: Draft, act: Edit, files: str) -> None:
        """`files`: those of the message after the edit."""
        ref = (draft.room, act.target)
        self._edited[ref] = Entry(*ref, draft.user_id, act.data, files)
        self._mentioned[ref] = act.mentions

    def add_deletion(self, draft: Draft, act: Delete) -> None:
        ref = (draft.room, act.target)
        self._deleted.add(ref)
        self._edited.pop(ref, None)
        self._mentioned.pop(ref, None)

    def add_reaction(self, draft: Draft, act: React) -> None:
        self._reacted[draft.room, act.target, act.emoji, draft.user_id] = act.on

    def write(self, connection: Connection, now: int) -> None:
        if not self._rows:
            return
        _HEADS.add(connection, Counter([row[0] for row in self._rows]))
        _EVENT_ROWS.insert(connection, self._rows)
        search_index.index(connection, self._entries)
        if self._edited:
            self._write_edits(connection, now)
        if self._reacted:
            self._write_reactions(connection, now)
        if self._deleted:
            # Last of the texts, after changes of the same messages in this batch.
            erase_texts(connection, self._deleted, now)
        if self._mentioned:
            self._write_mentions(connection)

    def _write_edits(self, connection: Connection, now: int) -> None:
        edits = [
            {"room": entry.room, "number": entry.seq, "text": entry.body, "now": now}
            for entry in self._edited.values()
        ]
        connection.execute(_EDIT, edits)
        _MENTIONS.delete(connection, self._edited.keys())
        search_index.reindex(connection, list(self._edited.values()))

    def _write_reactions(self, connection: Connection, now: int) -> None:
        _OWN_REACTIONS.delete(connection, self._reacted.keys())
        rows = [(*key, now) for key, on in self._reacted.items() if on]
        if rows:
            _REACTION_ROWS.insert(connection, rows)

    def _write_mentions(self, connection: Connection) -> None:
        """Resolve mentioned names to accounts in the transaction. Unknown names are skipped."""
        candidates = [
            (ref, keys) for ref, names in self._mentioned.items() for keys in meanings(names)
        ]
        accounts = accounts_by_key(
            connection, {key for _ref, keys in candidates for key in keys} - ALL_MEMBERS_NAMES
        )
        ids_by_key = {key: user_id for key, (user_id, _name) in accounts.items()}
        ids_by_key |= dict.fromkeys(ALL_MEMBERS_NAMES, ALL_MEMBERS)
        rows = {
            (*ref, user_id)
            for ref, keys in candidates
            if (user_id := next((ids_by_key[key] for key in keys if key in ids_by_key), None))
            is not None
        }
        if rows:
            _MENTION_ROWS.insert(connection, sorted(rows))


def _row(draft: Draft, event: Event, body: str, reply_to: int | None) -> tuple[Any, ...]:
    return (
        event.room,
        event.seq,
        int(event.kind),
        draft.user_id,
        ExactText.encode(draft.id),
        draft.digest,
        event.target,
        body,
        reply_to,
        event.at,
    )


_EVENT_ROWS = BulkInsert(
    events,
    "room_id",
    "seq",
    "kind",
    "user_id",
    "client_id",
    "digest",
    "target_seq",
    "body",
    "reply_to",
    "at",
)
_HEADS = CounterUpdate(rooms.c.id, rooms.c.head)
_MENTION_ROWS = BulkInsert(mentions, "room_id", "seq", "user_id")
_REACTION_ROWS = BulkInsert(reactions, "room_id", "seq", "emoji", "user_id", "at")
_MENTIONS = BulkDelete(mentions, "room_id", "seq")
_OWN_REACTIONS = BulkDelete(reactions, "room_id", "seq", "emoji", "user_id")

_ONE = sa.and_(events.c.room_id == sa.bindparam("room"), events.c.seq == sa.bindparam("number"))
_EDIT = (
    events.update()
    .where(_ONE, events.c.deleted_at.is_(None))
    .values(body=sa.bindparam("text"), edited_at=sa.bindparam("now"))
)

"""Indexing of long messages after they were stored, in short transactions.

Any node may do it. A message stays in `search_pending` until its tokens match its text, so an
interruption at any moment only delays the indexing. The tokens of long texts of deleted files are
removed here too.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chatserver.errors import ChatError
from chatserver.models import EventKind
from chatserver.storage import search_index
from chatserver.storage.bulk import RowLookup
from chatserver.storage.engine import Database
from chatserver.storage.file_texts import ERASED, remove_erased
from chatserver.storage.members import lock_rooms
from chatserver.storage.search_index import Entry, document_of, pending
from chatserver.storage.slices import compute_in_slices
from chatserver.storage.tables import events
from chatserver.storage.throttling import throttled

COMPACT_INTERVAL = 0.05  # seconds between two steps of a removal while the server runs
POLL_INTERVAL = 0.5  # seconds between two queries of the backlog
BATCH_SIZE = 20  # messages per query

Tokenized = list[tuple[Row[Any], str | None]]

_WAITING = sa.select(
    pending.c.room_id, pending.c.seq, events.c.user_id, events.c.body, events.c.files
).outerjoin_from(
    pending,
    events,
    sa.and_(
        events.c.room_id == pending.c.room_id,
        events.c.seq == pending.c.seq,
        events.c.kind == sa.literal_column(f"{EventKind.MESSAGE:d}"),
        events.c.deleted_at.is_(None),
    ),
)
_NEXT_BATCH = _WAITING.order_by(pending.c.room_id, pending.c.seq).limit(BATCH_SIZE)
_CURRENT = RowLookup(_WAITING, pending.c.room_id, pending.c.seq)


class SearchBacklog:
    """Brings the search index up to date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Index new messages, and finish the removal of words that the last stop interrupted."""
        compacting = True
        while True:
            with suppress(ChatError):  # the database does not respond: retry later
                await self.work()
                compacting = compacting and await self.compact()
                if compacting:
                    await asyncio.sleep(COMPACT_INTERVAL)
                    continue
            await asyncio.sleep(POLL_INTERVAL)

    async def work(self) -> None:
        """Index until the backlog is empty."""
        while rows := await self._waiting():
            async for batch in compute_in_slices(_tokenized, rows):
                await self._database.transaction(partial(_store_tokens, tokenized=batch))
        while (file_id := await self._erased_text()) is not None:
            async with throttled():
                await self._database.transaction(partial(remove_erased, file_id=file_id))

    async def compact(self) -> bool:
        """Remove some words of deleted messages from the file; return whether there are more."""
        return await self._database.transaction(search_index.compact)

    async def _erased_text(self) -> str | None:
        """Return a file whose text is erased and whose tokens are not."""
        async with self._database.reading() as connection:
            return await connection.scalar(ERASED)

    async def _waiting(self) -> list[Row[Any]]:
        async with self._database.reading() as connection:
            return list(await connection.execute(_NEXT_BATCH))


def _tokenized(rows: Sequence[Row[Any]]) -> Tokenized:
    """Return the messages with the tokens of their texts; None for deleted messages."""
    return [(row, None if row.body is None else document_of(_entry(row))) for row in rows]


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.room_id, row.seq, row.user_id, row.body, row.files)


def _store_tokens(connection: Connection, tokenized: Tokenized) -> None:
    """Store the tokens of messages that have not changed since they were read."""
    refs = [(row.room_id, row.seq) for row, _tokens in tokenized]
    lock_rooms(connection, [room for room, _seq in refs])
    current = {(row.room_id, row.seq): tuple(row) for row in _CURRENT.rows(connection, refs)}
    unchanged = {
        ref: tokens
        for row, tokens in tokenized
        if current.get(ref := (row.room_id, row.seq)) == tuple(row)
    }
    search_index.remove(connection, [ref for ref, tokens in unchanged.items() if tokens is None])
    search_index.rewrite(
        connection, {ref: tokens for ref, tokens in unchanged.items() if tokens is not None}
    )
    search_index.remove_pending(connection, unchanged.keys())

"""Full-text index of messages: their texts, and the names of their files.

It is updated in the transactions that change messages.

The table `search` contains the tokens of every message; its ids grow with time. It is indexed by
FTS5 on SQLite (`search_words`) and by FULLTEXT on MySQL.

Long messages cost as much as dozens of short ones and would delay others. They are only recorded in
`search_pending`, where `Search` finds them, until `search_backlog.py` indexes them.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from chatserver.models import Value
from chatserver.storage.bulk import BulkDelete, BulkInsert, RowLookup, as_json, match_rows
from chatserver.storage.engine import Database
from chatserver.storage.meta_keys import COMPACTED, TEXTS_COMPACTED
from chatserver.storage.tables import EventRef, meta
from chatserver.text.attached_files import kind_token, kinds, searched_text
from chatserver.text.search_terms import room_token, sender_token, tokens

LONG_TEXT = 250  # characters; longer messages are indexed by the backlog
LONG_ASCII = 4_000  # the same for ASCII texts, which are fast to tokenize
MANY_TOKENS = 10_000  # bytes of tokens, about those of a message of LONG_ASCII characters
# Values of these keys: deleted words are in the file, are not, are being removed.
DIRTY, CLEAN, MERGING = "0", "1", "2"
PAGES = 32  # pages of the index that one step merges

search = sa.table("search", *(sa.column(name) for name in ("id", "room_id", "seq", "tokens")))
pending = sa.table("search_pending", sa.column("room_id"), sa.column("seq"))
words = sa.table(
    "search_words", *(sa.column(n) for n in ("rowid", "search_words", "rank", "tokens"))
)
text_words = sa.table(
    "search_text_words", *(sa.column(n) for n in ("rowid", "search_text_words", "rank", "tokens"))
)
_FTS5 = {COMPACTED: words, TEXTS_COMPACTED: text_words}  # by key of their state
_INSERT = BulkInsert(search, "room_id", "seq", "tokens")
_REMOVE = BulkDelete(search, "room_id", "seq")
_PENDING = BulkInsert(pending, "room_id", "seq")
_IGNORING = pending.insert().prefix_with("OR IGNORE", dialect="sqlite")
_DEFER = _IGNORING.prefix_with("IGNORE", dialect="mysql")
_REMOVE_PENDING = BulkDelete(pending, "room_id", "seq")
_SIZES = RowLookup(
    sa.select(search.c.room_id, search.c.seq, sa.func.length(search.c.tokens).label("size")),
    search.c.room_id,
    search.c.seq,
)
_REWRITE = (
    search.update()
    .where(search.c.room_id == sa.bindparam("room"), search.c.seq == sa.bindparam("number"))
    .values(tokens=sa.bindparam("words"))
)


class Entry(Value, frozen=True):
    """A message to index. `files`: JSON as in `events.files`."""

    room: int
    seq: int
    user_id: int
    body: str
    files: str | None = None


def index(connection: Connection, entries: Sequence[Entry], *, later: bool = True) -> None:
    """Index new messages. `later`: leave long ones to the backlog."""
    if not entries:
        return
    rows = [(e.room, e.seq, "" if later and is_long(e) else document_of(e)) for e in entries]
    _INSERT.insert(connection, rows)
    if waiting := [(room, seq) for room, seq, tokens in rows if not tokens]:
        _PENDING.insert(connection, waiting)
    _insert_into_fts(connection, len(entries))


def reindex(connection: Connection, entries: Sequence[Entry]) -> None:
    """Index edited messages by their new text only. They keep their ids."""
    edited = {(entry.room, entry.seq): entry for entry in entries}
    sizes = _indexed_sizes(connection, edited.keys())
    documents = {
        ref: document_of(edited[ref])
        for ref, size in sizes.items()
        if 0 < size <= MANY_TOKENS and not is_long(edited[ref])
    }
    defer(connection, sizes.keys() - documents.keys())
    rewrite(connection, documents)


def unindex(connection: Connection, refs: Collection[EventRef]) -> None:
    """Remove deleted messages from the index; large ones are left to the backlog."""
    sizes = _indexed_sizes(connection, refs)
    defer(connection, {ref for ref, size in sizes.items() if size > MANY_TOKENS})
    remove(connection, {ref: size for ref, size in sizes.items() if size <= MANY_TOKENS})


def is_long(entry: Entry) -> bool:
    """Whether a message is indexed by the backlog."""
    text = searched_text(entry.body, entry.files) if entry.files else entry.body
    return len(text) > LONG_TEXT and not (len(text) <= LONG_ASCII and text.isascii())


def defer(connection: Connection, refs: Collection[EventRef]) -> None:
    """Add messages to the backlog."""
    if refs:
        keys = [{"room_id": room, "seq": seq} for room, seq in sorted(refs)]
        connection.execute(_DEFER, keys)


def rewrite(connection: Connection, tokens_of: Mapping[EventRef, str]) -> None:
    """Replace the tokens of messages in the index."""
    if not tokens_of:
        return
    _delete_from_fts(connection, tokens_of.keys())
    rows = [{"room": room, "number": seq, "words": text} for (room, seq), text in tokens_of.items()]
    connection.execute(_REWRITE, rows)
    _reinsert_into_fts(connection, tokens_of.keys())


def remove(connection: Connection, refs: Collection[EventRef]) -> None:
    """Remove messages from the index and from the backlog."""
    if not refs:
        return
    _delete_from_fts(connection, refs)
    _REMOVE.delete(connection, refs)
    _REMOVE_PENDING.delete(connection, refs)


def remove_pending(connection: Connection, refs: Collection[EventRef]) -> None:
    """Remove messages from the backlog."""
    _REMOVE_PENDING.delete(connection, refs)


def _indexed_sizes(connection: Connection, refs: Collection[EventRef]) -> dict[EventRef, int]:
    """Return the size of the tokens in bytes, by message in the table; 0 if not indexed yet."""
    rows = _SIZES.rows(connection, refs)
    return {(row.room_id, row.seq): row.size for row in rows}


async def compact_all(database: Database) -> None:
    """Remove the words of deleted and edited messages from a SQLite file. Cheap if there are none.

    On MySQL the words stay in InnoDB's auxiliary tables until the operator runs `OPTIMIZE TABLE
    search, search_texts`, which locks the tables for a while.
    """
    while await database.transaction(compact):  # noqa: ASYNC110 - the transaction works
        await asyncio.sleep(0)


def compact(connection: Connection) -> bool:
    """Run one step of some milliseconds; return whether there are more."""
    return any(_compact(connection, key, index) for key, index in _FTS5.items())


def _compact(connection: Connection, key: str, index: sa.TableClause) -> bool:
    state = connection.scalar(sa.select(meta.c.value).where(meta.c.key == key))
    if state not in (DIRTY, MERGING):
        return False
    pages = -PAGES if state == DIRTY else PAGES  # the first step names all segments
    before = _changes(connection)
    connection.execute(index.insert().values({index.name: "merge", "rank": pages}))
    merged = _changes(connection) - before >= 2  # https://sqlite.org/fts5.html#the_merge_command
    after = MERGING if merged else CLEAN
    connection.execute(meta.update().where(meta.c.key == key).values(value=after))
    return merged


def _changes(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())


def document_of(entry: Entry) -> str:
    """Return the tokens of a message as stored in the table."""
    own = f"{room_token(entry.room)} {sender_token(entry.user_id)}"
    if not entry.files:
        return f"{tokens(entry.body)} {own}"
    text = tokens(searched_text(entry.body, entry.files))
    return " ".join([text, *map(kind_token, sorted(kinds(entry.files))), own])


# FTS5 (SQLite only) ------------------------------------------------------------------------------


_last = sa.select(sa.func.max(search.alias().c.id)).scalar_subquery()
_newest = (
    sa.select(search.c.id, search.c.tokens)
    .where(search.c.id > _last - sa.bindparam("count"))
    .where(search.c.tokens != sa.literal_column("''"))
)
_INSERT_NEWEST = str(
    words.insert()
    .from_select(["rowid", "tokens"], _newest.order_by(search.c.id))
    .compile(dialect=sqlite.dialect())
)


def _insert_into_fts(connection: Connection, count: int) -> None:
    """Add the newest rows to FTS5; MySQL indexes them itself.

    One statement adds them all: a trigger would make FTS5 write a segment for every row.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INSERT_NEWEST, (count,))


def _words_of(columns: list[str], *values: sa.ColumnElement[Any]) -> str:
    """Return the statement that passes the words of messages, by room and seq, to FTS5."""
    indexed = sa.select(*values).where(search.c.tokens != sa.literal_column("''"))
    found = match_rows(indexed, search.c.room_id, search.c.seq)
    return str(words.insert().from_select(columns, found).compile(dialect=sqlite.dialect()))


_OWN = (search.c.id, search.c.tokens)
_DELETED: sa.ColumnElement[Any] = sa.literal_column("'delete'")
_REINSERT = _words_of(["rowid", "tokens"], *_OWN)
_DELETE = _words_of(["search_words", "rowid", "tokens"], _DELETED, *_OWN)


def _reinsert_into_fts(connection: Connection, refs: Collection[EventRef]) -> None:
    """Add changed rows to FTS5, after `_delete_from_fts`."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_REINSERT, (as_json(refs),))


def _delete_from_fts(connection: Connection, refs: Collection[EventRef]) -> None:
    """Delete rows from FTS5, which marks them only; `compact` removes their words."""
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql(_DELETE, (as_json(refs),)).rowcount > 0:
        connection.execute(meta.update().where(meta.c.key == COMPACTED).values(value=DIRTY))

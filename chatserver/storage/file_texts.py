"""Texts of the files of messages, for search: `search_texts`, its index, and the queue of files.

Binding a file puts it into `search_text_queue`, in the transaction of its message. A node takes it
from there, reads its text (`files/text_extraction.py`) and stores it here. The text is gone in the
transaction that deletes the message or the file; so are its tokens in the index, unless they are
many: then the search backlog removes them, and the row of the file stays until it has.

The id of a text is that of its message in the table `search`, times FILE_SLOTS, plus a slot, so
that texts are found newest first. All of this is derived: archives do not contain it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from chatserver.file_state import FILE_SLOTS, UNKNOWN_TYPE, FileState
from chatserver.storage.bulk import KeyLookup, RowLookup
from chatserver.storage.meta_keys import TEXTS_COMPACTED
from chatserver.storage.search_index import DIRTY, MANY_TOKENS, search, text_words
from chatserver.storage.tables import EventRef, files, meta
from chatserver.text.file_texts import IndexedText
from chatserver.text.search_terms import room_token, sender_token, tokens

READABLE_TYPES = ("text/plain", "application/pdf", UNKNOWN_TYPE)  # may have a text
NEVER = 2**62  # `due` of a file that is not to be read; with user 0, its tokens are to be removed

_NAMES = ("id", "file_id", "room_id", "seq", "text", "tokens")
search_texts = sa.table("search_texts", *(sa.column(name) for name in _NAMES))
queue = sa.table(
    "search_text_queue", *(sa.column(name) for name in ("file_id", "user_id", "due", "attempts"))
)

# Queueing -----------------------------------------------------------------------------------------


def enqueue(connection: Connection, bound: Iterable[Any]) -> None:
    """Queue the files of new messages that may have a text; `bound` are their rows."""
    rows = [(row.id, row.user_id) for row in bound if row.type in READABLE_TYPES]
    if rows:
        values = [{"file_id": file_id, "user_id": user} for file_id, user in sorted(rows)]
        connection.execute(_ENQUEUE, [one | {"due": 0, "attempts": 0} for one in values])


def enqueue_all(connection: Connection) -> None:
    """Queue all files, of a database that was loaded from an archive."""
    connection.execute(search_texts.delete())
    connection.execute(queue.delete())
    every = sa.select(files.c.id, files.c.user_id, sa.literal(0), sa.literal(0)).where(
        files.c.state == FileState.BOUND, files.c.type.in_(READABLE_TYPES)
    )
    connection.execute(queue.insert().from_select(list(queue.c.keys()), every))


def dequeue(connection: Connection, file_id: str) -> None:
    connection.execute(_DEQUEUE, {"file": file_id})


# Storing ------------------------------------------------------------------------------------------


def store(connection: Connection, file_id: str, found: IndexedText) -> bool:
    """Store the text of a file and remove the file from the queue, in one transaction.

    Return False, and store nothing, if its message or the file was deleted, or if another node has
    stored it.
    """
    row = connection.execute(_BOUND, {"file": file_id}).one_or_none()
    queued = connection.execute(_DEQUEUE, {"file": file_id}).rowcount > 0
    if row is None or not queued or not found.text:
        return False
    text_id = _free_id(connection, row)
    if text_id is None:
        return False
    own = f"{room_token(row.room_id)} {sender_token(row.user_id)}"
    names = tokens(f"{row.name}\0{row.alt or ''}")
    values = {
        "id": text_id,
        "file_id": file_id,
        "room_id": row.room_id,
        "seq": row.seq,
        "text": found.text,
        "tokens": " ".join(dict.fromkeys(f"{found.tokens} {names} {own}".split())),
    }
    connection.execute(search_texts.insert().values(values))
    _index(connection, text_id)
    return True


def _free_id(connection: Connection, file: Any) -> int | None:
    """Return an id for the text of a file; None if its message is deleted.

    The id of a replaced file is in use until its tokens are removed. A message whose files are
    replaced very often may have none left: then the file is not found by its text.
    """
    message = connection.scalar(_MESSAGE_ID, {"room": file.room_id, "number": file.seq})
    if message is None:
        return None
    ids = range(message * FILE_SLOTS, (message + 1) * FILE_SLOTS)
    taken = set(connection.scalars(sa.select(search_texts.c.id).where(search_texts.c.id.in_(ids))))
    return next((number for number in ids if number not in taken), None)


# Erasure ------------------------------------------------------------------------------------------


def erase_of_messages(connection: Connection, refs: Collection[EventRef]) -> None:
    """Erase the texts of the files of messages, in the transaction that deletes the messages."""
    if refs:
        _erase(connection, _OF_MESSAGES.rows(connection, sorted(refs)))


def erase_of_files(connection: Connection, ids: Collection[str]) -> None:
    """Erase the texts of files, in the transaction that marks the files for deletion."""
    if ids:
        _erase(connection, _OF_FILES.rows(connection, sorted(ids)))


def _erase(connection: Connection, rows: Sequence[Any]) -> None:
    few = [row.id for row in rows if row.size <= MANY_TOKENS]
    many = [row for row in rows if row.size > MANY_TOKENS]
    _remove(connection, few)
    if many:
        values = {"user_id": 0, "due": NEVER, "attempts": 0}
        connection.execute(_BLANK, [{"number": row.id} for row in many])
        connection.execute(_DEQUEUE, [{"file": row.file_id} for row in many])
        connection.execute(_ENQUEUE, [values | {"file_id": row.file_id} for row in many])


def remove_erased(connection: Connection, file_id: str) -> None:
    """Remove the tokens of an erased text."""
    _remove(connection, [row.id for row in _OF_FILES.rows(connection, [file_id])])
    dequeue(connection, file_id)


def _remove(connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        _unindex(connection, ids)
        connection.execute(_DELETE, [{"number": number} for number in ids])


# FTS5 (SQLite only) ------------------------------------------------------------------------------


def _index(connection: Connection, text_id: int) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INSERT_WORDS, (text_id,))


def _unindex(connection: Connection, ids: Sequence[int]) -> None:
    """Delete from FTS5, which marks words only; `search_index.compact` removes them."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_DELETE_WORDS, [(text_id,) for text_id in ids])
        dirty = meta.update().where(meta.c.key == TEXTS_COMPACTED)
        connection.execute(dirty.values(value=DIRTY))


def _words_of(columns: list[str], *values: sa.ColumnElement[Any]) -> str:
    """Return the statement that passes the words of a text to FTS5."""
    one = sa.select(*values).where(search_texts.c.id == sa.bindparam("number"))
    return str(text_words.insert().from_select(columns, one).compile(dialect=sqlite.dialect()))


_OWN = (search_texts.c.id, search_texts.c.tokens)
_INSERT_WORDS = _words_of(["rowid", "tokens"], *_OWN)
_DELETE_WORDS = _words_of(
    ["search_text_words", "rowid", "tokens"], sa.literal_column("'delete'"), *_OWN
)

_IGNORING = queue.insert().prefix_with("OR IGNORE", dialect="sqlite")
_ENQUEUE = _IGNORING.prefix_with("IGNORE", dialect="mysql")
_DEQUEUE = queue.delete().where(queue.c.file_id == sa.bindparam("file"))
_BOUND = (
    sa.select(files.c.room_id, files.c.seq, files.c.user_id, files.c.name, files.c.alt)
    .where(files.c.id == sa.bindparam("file"), files.c.state == FileState.BOUND)
    .with_for_update()
)
_MESSAGE_ID = sa.select(search.c.id).where(
    search.c.room_id == sa.bindparam("room"), search.c.seq == sa.bindparam("number")
)
_SIZES = sa.select(
    search_texts.c.id, search_texts.c.file_id, sa.func.length(search_texts.c.tokens).label("size")
).with_for_update()
_OF_MESSAGES = RowLookup(_SIZES, search_texts.c.room_id, search_texts.c.seq)
_OF_FILES = KeyLookup(_SIZES, search_texts.c.file_id)
_NUMBER = search_texts.c.id == sa.bindparam("number")
_BLANK = search_texts.update().where(_NUMBER).values(text="")
_DELETE = search_texts.delete().where(_NUMBER)
ERASED = sa.select(queue.c.file_id).where(queue.c.user_id == 0).order_by(queue.c.due).limit(1)
HAS_TEXT = sa.select(search_texts.c.id).where(search_texts.c.file_id == files.c.id).exists()

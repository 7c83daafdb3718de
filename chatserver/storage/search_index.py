"""The index over message bodies, kept inside the transactions that change messages.

The table `search` holds the tokens of every message; its ids grow with time. What looks into it is
FTS5 on SQLite (`search_words`) and FULLTEXT on MySQL.
"""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from chatserver.storage.pairs import ManyRows
from chatserver.storage.tables import events, meta
from chatserver.tokens import room_token, sender_token, tokens

AT_ONCE = 500  # messages that one statement forgets
COMPACTED = "search_compacted"  # in meta, SQLite only: 0 while struck words remain in the file

search = sa.table("search", *(sa.column(name) for name in ("id", "room_id", "seq", "tokens")))
words = sa.table("search_words", *(sa.column(n) for n in ("rowid", "search_words", "tokens")))
_NEW = ManyRows(search, "room_id", "seq", "tokens")


class Entry(NamedTuple):
    """A message as the index takes it."""

    room: int
    seq: int
    user_id: int
    body: str


def index(connection: Connection, entries: Sequence[Entry]) -> None:
    """New messages become findable."""
    if not entries:
        return
    _NEW.insert(connection, [(e.room, e.seq, written(e)) for e in entries])
    _enter_words(connection, len(entries))


def reindex(connection: Connection, room: int, seq: int, body: str) -> None:
    """An edited message is found by its new text only. It keeps its place among the others."""
    edited = sa.and_(search.c.room_id == room, search.c.seq == seq)
    author = sa.select(events.c.user_id).where(events.c.room_id == room, events.c.seq == seq)
    user_id = connection.scalar(author)
    if user_id is None:
        return
    _strike_words(connection, edited)
    entry = Entry(room, seq, user_id, body)
    connection.execute(search.update().where(edited).values(tokens=written(entry)))
    _reenter_words(connection, edited)


def forget(connection: Connection, room: int, seqs: Sequence[int]) -> None:
    """Deleted messages are found no more."""
    for start in range(0, len(seqs), AT_ONCE):
        some = seqs[start : start + AT_ONCE]
        deleted = sa.and_(search.c.room_id == room, search.c.seq.in_(some))
        _strike_words(connection, deleted)
        connection.execute(search.delete().where(deleted))


def compact(connection: Connection) -> None:
    """SQLite: the words of what was deleted or edited leave the file, too. Cheap if there are none.

    On MySQL they stay in InnoDB's auxiliary tables until `OPTIMIZE TABLE search`. That locks the
    table for a while, so the operator says when.
    """
    marked = sa.and_(meta.c.key == COMPACTED, meta.c.value == "0")
    if connection.execute(meta.update().where(marked).values(value="1")).rowcount:
        connection.execute(words.insert().values(search_words="optimize"))


def written(entry: Entry) -> str:
    """The tokens of a message as the table holds them."""
    own = f"{room_token(entry.room)} {sender_token(entry.user_id)}"
    return f"{tokens(entry.body)} {own}"


# FTS5, which MySQL does not need -----------------------------------------------------------------


_last = sa.select(sa.func.max(search.alias().c.id)).scalar_subquery()
_newest = sa.select(search.c.id, search.c.tokens).where(search.c.id > _last - sa.bindparam("count"))
_ENTER_NEWEST = str(
    words.insert()
    .from_select(["rowid", "tokens"], _newest.order_by(search.c.id))
    .compile(dialect=sqlite.dialect())
)


def _enter_words(connection: Connection, count: int) -> None:
    """FTS5 is told of the newest rows, which MySQL sees by itself.

    All of them in one statement: a trigger would have FTS5 write a segment for every row.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_ENTER_NEWEST, (count,))


def _reenter_words(connection: Connection, which: sa.ColumnElement[bool]) -> None:
    """FTS5 is told of rows whose words have changed, after `_strike_words`."""
    if connection.dialect.name == "sqlite":
        found = sa.select(search.c.id, search.c.tokens).where(which)
        connection.execute(words.insert().from_select(["rowid", "tokens"], found))


def _strike_words(connection: Connection, which: sa.ColumnElement[bool]) -> None:
    """FTS5 forgets these rows. It writes that down beside the words, which `compact` removes."""
    if connection.dialect.name != "sqlite":
        return
    found = sa.select(sa.literal("delete"), search.c.id, search.c.tokens).where(which)
    connection.execute(words.insert().from_select(["search_words", "rowid", "tokens"], found))
    connection.execute(meta.update().where(meta.c.key == COMPACTED).values(value="0"))

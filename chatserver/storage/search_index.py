"""The index over message bodies, kept inside the transactions that change messages.

The table `search` holds the tokens of every message; its ids grow with time. What looks into it is
FTS5 on SQLite (`search_words`) and FULLTEXT on MySQL.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from chatserver.storage.pairs import Deleted, ManyRows, as_json, looked_up
from chatserver.storage.tables import meta
from chatserver.tokens import room_token, sender_token, tokens

COMPACTED = "search_compacted"  # in meta, SQLite only: 0 while struck words remain in the file

search = sa.table("search", *(sa.column(name) for name in ("id", "room_id", "seq", "tokens")))
words = sa.table("search_words", *(sa.column(n) for n in ("rowid", "search_words", "tokens")))
_NEW = ManyRows(search, "room_id", "seq", "tokens")
_GONE = Deleted(search, "room_id", "seq")
_REWRITE = (
    search.update()
    .where(search.c.room_id == sa.bindparam("room"), search.c.seq == sa.bindparam("number"))
    .values(tokens=sa.bindparam("words"))
)


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


def reindex(connection: Connection, entries: Sequence[Entry]) -> None:
    """Edited messages are found by their new text only. They keep their place among the others."""
    places = {(entry.room, entry.seq) for entry in entries}
    _strike_words(connection, places)
    rows = [{"room": e.room, "number": e.seq, "words": written(e)} for e in entries]
    connection.execute(_REWRITE, rows)
    _reenter_words(connection, places)


def forget(connection: Connection, places: Collection[tuple[int, int]]) -> None:
    """Deleted messages, given as room and seq, are found no more."""
    _strike_words(connection, places)
    _GONE.delete(connection, places)


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


def _words_of(columns: list[str], *values: sa.ColumnElement[Any]) -> str:
    """The statement that hands the words of messages, given by room and seq, over to FTS5."""
    found = looked_up(sa.select(*values), search.c.room_id, search.c.seq)
    return str(words.insert().from_select(columns, found).compile(dialect=sqlite.dialect()))


_OWN = (search.c.id, search.c.tokens)
_STRUCK: sa.ColumnElement[Any] = sa.literal_column("'delete'")
_REENTER = _words_of(["rowid", "tokens"], *_OWN)
_STRIKE = _words_of(["search_words", "rowid", "tokens"], _STRUCK, *_OWN)


def _reenter_words(connection: Connection, places: Collection[tuple[int, int]]) -> None:
    """FTS5 is told of rows whose words have changed, after `_strike_words`."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_REENTER, (as_json(places),))


def _strike_words(connection: Connection, places: Collection[tuple[int, int]]) -> None:
    """FTS5 forgets these rows. It writes that down beside the words, which `compact` removes."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_STRIKE, (as_json(places),))
        connection.execute(meta.update().where(meta.c.key == COMPACTED).values(value="0"))

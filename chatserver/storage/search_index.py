"""The index over message bodies, kept inside the transactions that change messages.

The table `search` holds the tokens of every message; its ids grow with time. What looks into it is
FTS5 on SQLite (`search_words`) and FULLTEXT on MySQL.

Long messages cost as much as dozens of short ones, and others would wait for them. So they are only
noted in `search_pending`, where `Search` finds them, until `search_backlog.py` indexes them.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from chatserver.models import Value
from chatserver.storage.bulk import BulkDelete, BulkInsert, PairLookup, as_json, match_pairs
from chatserver.storage.engine import Database
from chatserver.storage.tables import meta
from chatserver.text.search_terms import room_token, sender_token, tokens

LONG = 250  # characters; of a longer message the tokens are left to the backlog
LONG_ASCII = 4_000  # characters, the same for one in ASCII, which is quickly cut into words
MANY_TOKENS = 10_000  # bytes of tokens, about those of a message that is just not long
COMPACTED = "search_compacted"  # in meta, SQLite only: one of the following
STRUCK, COMPACT, MERGING = "0", "1", "2"  # words to remove remain in the file; none; in between
PAGES = 32  # of the index that one step puts together

search = sa.table("search", *(sa.column(name) for name in ("id", "room_id", "seq", "tokens")))
pending = sa.table("search_pending", sa.column("room_id"), sa.column("seq"))
words = sa.table(
    "search_words", *(sa.column(n) for n in ("rowid", "search_words", "rank", "tokens"))
)
_NEW = BulkInsert(search, "room_id", "seq", "tokens")
_GONE = BulkDelete(search, "room_id", "seq")
_PENDING = BulkInsert(pending, "room_id", "seq")
_IGNORING = pending.insert().prefix_with("OR IGNORE", dialect="sqlite")
_PUT_OFF = _IGNORING.prefix_with("IGNORE", dialect="mysql")
_DONE = BulkDelete(pending, "room_id", "seq")
_SIZES = PairLookup(
    sa.select(search.c.room_id, search.c.seq, sa.func.length(search.c.tokens).label("size")),
    search.c.room_id,
    search.c.seq,
)
_REWRITE = (
    search.update()
    .where(search.c.room_id == sa.bindparam("room"), search.c.seq == sa.bindparam("number"))
    .values(tokens=sa.bindparam("words"))
)


Place = tuple[int, int]  # room and seq of a message


class Entry(Value, frozen=True):
    """A message as the index takes it."""

    room: int
    seq: int
    user_id: int
    body: str


def index(connection: Connection, entries: Sequence[Entry], *, later: bool = True) -> None:
    """New messages become findable. `later`: long ones may wait for the backlog."""
    if not entries:
        return
    rows = [(e.room, e.seq, "" if later and is_long(e.body) else written(e)) for e in entries]
    _NEW.insert(connection, rows)
    if waiting := [(room, seq) for room, seq, tokens in rows if not tokens]:
        _PENDING.insert(connection, waiting)
    _enter_words(connection, len(entries))


def reindex(connection: Connection, entries: Sequence[Entry]) -> None:
    """Edited messages are found by their new text only. They keep their place among the others."""
    edited = {(entry.room, entry.seq): entry for entry in entries}
    kept = _kept(connection, edited.keys())
    now = {
        place: written(edited[place])
        for place, size in kept.items()
        if 0 < size <= MANY_TOKENS and not is_long(edited[place].body)
    }
    put_off(connection, kept.keys() - now.keys())
    rewrite(connection, now)


def forget(connection: Connection, places: Collection[Place]) -> None:
    """Deleted messages are found no more."""
    kept = _kept(connection, places)
    put_off(connection, {place for place, size in kept.items() if size > MANY_TOKENS})
    remove(connection, {place: size for place, size in kept.items() if size <= MANY_TOKENS})


def is_long(body: str) -> bool:
    """Whether the tokens of a message are left to the backlog."""
    return len(body) > LONG and not (len(body) <= LONG_ASCII and body.isascii())


def put_off(connection: Connection, places: Collection[Place]) -> None:
    """Leave these messages to the backlog."""
    if places:
        keys = [{"room_id": room, "seq": seq} for room, seq in sorted(places)]
        connection.execute(_PUT_OFF, keys)


def rewrite(connection: Connection, tokens_of: Mapping[Place, str]) -> None:
    """Give messages of the index these tokens."""
    if not tokens_of:
        return
    _strike_words(connection, tokens_of.keys())
    rows = [{"room": room, "number": seq, "words": text} for (room, seq), text in tokens_of.items()]
    connection.execute(_REWRITE, rows)
    _reenter_words(connection, tokens_of.keys())


def remove(connection: Connection, places: Collection[Place]) -> None:
    """Take messages out of the index."""
    if not places:
        return
    _strike_words(connection, places)
    _GONE.delete(connection, places)
    _DONE.delete(connection, places)


def done(connection: Connection, places: Collection[Place]) -> None:
    """The backlog has indexed these messages."""
    _DONE.delete(connection, places)


def _kept(connection: Connection, places: Collection[Place]) -> dict[Place, int]:
    """The bytes of tokens of those of these messages that are in the table: 0 before the first."""
    rows = _SIZES.rows(connection, places)
    return {(row.room_id, row.seq): row.size for row in rows}


async def compact_all(database: Database) -> None:
    """Remove the words of deleted and edited messages from a SQLite file. Cheap if there are none.

    On MySQL the words stay in InnoDB's auxiliary
    tables until the operator runs `OPTIMIZE TABLE search`, which locks the table for a while.
    """
    while await database.transaction(compact):  # noqa: ASYNC110 - the transaction works
        await asyncio.sleep(0)


def compact(connection: Connection) -> bool:
    """One step of that, of some milliseconds; whether there are more."""
    state = connection.scalar(sa.select(meta.c.value).where(meta.c.key == COMPACTED))
    if state not in (STRUCK, MERGING):
        return False
    pages = -PAGES if state == STRUCK else PAGES  # the first step names all segments
    before = _changes(connection)
    connection.execute(words.insert().values(search_words="merge", rank=pages))
    merged = _changes(connection) - before >= 2  # https://sqlite.org/fts5.html#the_merge_command
    after = MERGING if merged else COMPACT
    connection.execute(meta.update().where(meta.c.key == COMPACTED).values(value=after))
    return merged


def _changes(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())


def written(entry: Entry) -> str:
    """The tokens of a message as the table holds them."""
    own = f"{room_token(entry.room)} {sender_token(entry.user_id)}"
    return f"{tokens(entry.body)} {own}"


# FTS5, which MySQL does not need -----------------------------------------------------------------


_last = sa.select(sa.func.max(search.alias().c.id)).scalar_subquery()
_newest = (
    sa.select(search.c.id, search.c.tokens)
    .where(search.c.id > _last - sa.bindparam("count"))
    .where(search.c.tokens != sa.literal_column("''"))
)
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
    indexed = sa.select(*values).where(search.c.tokens != sa.literal_column("''"))
    found = match_pairs(indexed, search.c.room_id, search.c.seq)
    return str(words.insert().from_select(columns, found).compile(dialect=sqlite.dialect()))


_OWN = (search.c.id, search.c.tokens)
_STRUCK: sa.ColumnElement[Any] = sa.literal_column("'delete'")
_REENTER = _words_of(["rowid", "tokens"], *_OWN)
_STRIKE = _words_of(["search_words", "rowid", "tokens"], _STRUCK, *_OWN)


def _reenter_words(connection: Connection, places: Collection[Place]) -> None:
    """FTS5 is told of rows whose words have changed, after `_strike_words`."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_REENTER, (as_json(places),))


def _strike_words(connection: Connection, places: Collection[Place]) -> None:
    """FTS5 forgets these rows. It writes that down beside the words, which `compact` removes."""
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql(_STRIKE, (as_json(places),)).rowcount > 0:
        connection.execute(meta.update().where(meta.c.key == COMPACTED).values(value=STRUCK))

"""The search index, with every message that is there."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection

from chatserver.storage.search_index import Entry, document_of

revision = "0003"
down_revision = "0002"

AT_ONCE = 1_000  # messages

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Tokens = sa.Text().with_variant(
    mysql.MEDIUMTEXT(charset="ascii", collation="ascii_bin"), "mysql", "mariadb"
)
MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    # What a broken run has left behind: MySQL cannot undo the making of a table.
    for left in ("search", "search_order"):
        op.execute(f"DROP TABLE IF EXISTS {left}")
    op.create_table(
        "search",
        sa.Column("id", BigId, nullable=False, autoincrement=True),
        sa.Column("room_id", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("tokens", Tokens, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search"),
        sa.UniqueConstraint("room_id", "seq", name="uq_search_room_id_seq"),
        **MYSQL,
    )
    put_in_order()
    fill(op.get_bind())
    op.drop_table("search_order")
    if op.get_bind().dialect.name == "sqlite":
        index_sqlite()
    else:
        op.create_index("ix_search_tokens", "search", ["tokens"], mysql_prefix="FULLTEXT")


def put_in_order() -> None:
    """Numbers for the messages, which follow their times."""
    op.create_table(
        "search_order",
        sa.Column("id", BigId, nullable=False, autoincrement=True),
        sa.Column("room_id", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_order"),
        **MYSQL,
    )
    op.execute(
        "INSERT INTO search_order (room_id, seq) SELECT room_id, seq FROM events"
        " WHERE kind = 2 AND deleted_at IS NULL ORDER BY at, room_id, seq"
    )


def fill(connection: Connection) -> None:
    search = sa.table("search", *(sa.column(name) for name in ("id", "room_id", "seq", "tokens")))
    for chunk in chunks(connection):
        rows = [
            {
                "id": row.id,
                "room_id": row.room_id,
                "seq": row.seq,
                "tokens": document_of(Entry(row.room_id, row.seq, row.user_id, row.body)),
            }
            for row in chunk
        ]
        connection.execute(search.insert(), rows)


def chunks(connection: Connection) -> Iterator[list[sa.Row[Any]]]:
    query = sa.text(
        "SELECT o.id, o.room_id, o.seq, e.user_id, e.body FROM search_order o"
        " JOIN events e ON e.room_id = o.room_id AND e.seq = o.seq"
        " WHERE o.id > :last ORDER BY o.id LIMIT :most"
    )
    last = 0
    while found := list(connection.execute(query, {"last": last, "most": AT_ONCE})):
        yield found
        last = found[-1].id


def index_sqlite() -> None:
    """Without positions and without a copy of the text: `search` keeps the tokens."""
    op.execute(
        "CREATE VIRTUAL TABLE search_words USING fts5(tokens, content='search',"
        " content_rowid='id', detail=none, columnsize=0, tokenize='ascii')"
    )
    op.execute("INSERT INTO search_words (search_words) VALUES ('rebuild')")
    op.execute("INSERT INTO meta VALUES ('search_compacted', '1')")

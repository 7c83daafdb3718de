"""Texts of files for search, their index, and the queue with the files of all messages."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0019"
down_revision = "0018"

BOUND = 2
TYPES = "'text/plain', 'application/pdf', 'application/octet-stream'"

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Body = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
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
    for left in (
        "search_texts",
        "search_text_queue",
    ):  # MySQL keeps what an interrupted run has made
        op.execute(f"DROP TABLE IF EXISTS {left}")
    op.create_table(
        "search_texts",
        sa.Column("id", BigId, nullable=False, autoincrement=False),
        sa.Column("file_id", sa.String(22), nullable=False),
        sa.Column("room_id", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("text", Body, nullable=False),
        sa.Column("tokens", Tokens, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_search_texts"),
        sa.UniqueConstraint("file_id", name="uq_search_texts_file_id"),
        **MYSQL,
    )
    op.create_index("ix_search_texts_room_id_seq", "search_texts", ["room_id", "seq"])
    create_queue()
    if op.get_bind().dialect.name == "sqlite":
        index_sqlite()
    else:
        op.create_index(
            "ix_search_texts_tokens", "search_texts", ["tokens"], mysql_prefix="FULLTEXT"
        )


def create_queue() -> None:
    op.create_table(
        "search_text_queue",
        sa.Column("file_id", sa.String(22), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("file_id", name="pk_search_text_queue"),
        **MYSQL,
    )
    op.create_index("ix_search_text_queue_user_id_due", "search_text_queue", ["user_id", "due"])
    op.execute(
        "INSERT INTO search_text_queue (file_id, user_id, due, attempts)"  # noqa: S608 - constants
        f" SELECT id, user_id, 0, 0 FROM files WHERE state = {BOUND} AND type IN ({TYPES})"
    )


def index_sqlite() -> None:
    """Without positions and without a copy of the tokens, as the index of messages."""
    op.execute(
        "CREATE VIRTUAL TABLE search_text_words USING fts5(tokens, content='search_texts',"
        " content_rowid='id', detail=none, columnsize=0, tokenize='ascii')"
    )
    op.execute("INSERT INTO meta VALUES ('search_texts_compacted', '1')")

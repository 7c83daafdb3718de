"""What a conversation needs besides messages: reactions, mentions, room settings, bots."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    op.add_column("members", sa.Column("left_seq", sa.BigInteger))
    op.add_column("rooms", sa.Column("retention_days", sa.Integer))
    for name in ("receipts", "leavers_read"):
        flag = sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("0"))
        op.add_column("rooms", flag)
    op.create_index("ix_events_room_id_target_seq", "events", ["room_id", "target_seq"])
    unread = ["room_id", "kind", "seq", "user_id", "deleted_at"]
    op.create_index("ix_events_room_id_kind_seq_user_id_deleted_at", "events", unread)
    op.drop_index("ix_events_room_id_kind_seq", "events")
    reactions()
    mentions()
    bot_tokens()


def reactions() -> None:
    op.create_table(
        "reactions",
        sa.Column("room_id", BigId, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("emoji", sa.String(64), nullable=False),
        sa.Column("user_id", BigId, nullable=False, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "seq", "emoji", "user_id", name="pk_reactions"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_reactions_room_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_reactions_user_id"),
        **MYSQL,
    )


def mentions() -> None:
    op.create_table(
        "mentions",
        sa.Column("room_id", BigId, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("room_id", "seq", "user_id", name="pk_mentions"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_mentions_room_id"),
        **MYSQL,
    )


def bot_tokens() -> None:
    op.create_table(
        "bot_tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("digest", name="pk_bot_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_bot_tokens_user_id"),
        **MYSQL,
    )
    op.create_index("ix_bot_tokens_user_id", "bot_tokens", ["user_id"])

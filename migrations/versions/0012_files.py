"""Files: their register, and those of each message."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0012"
down_revision = "0011"

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Body = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    op.add_column("events", sa.Column("files", Body))
    op.create_table(
        "files",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("room_id", BigId),
        sa.Column("seq", sa.BigInteger),
        sa.Column("position", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("name_key", sa.String(255), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("blur", sa.String(64)),
        sa.Column("alt", sa.String(1_000)),
        sa.Column("state", sa.SmallInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_files_user_id"),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name="fk_files_room_id"),
        **MYSQL,
    )
    for columns in (
        ["room_id", "seq", "position"],
        ["room_id", "state", "bytes"],
        ["user_id", "state", "bytes"],
        ["state", "at"],
    ):
        op.create_index(f"ix_files_{'_'.join(columns)}", "files", columns)

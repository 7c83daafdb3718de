"""For which messages users get notifications, by user and by room."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

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
    op.create_table(
        "notification_rules",
        sa.Column("user_id", BigId, autoincrement=False, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_notification_rules"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notification_rules_user_id"),
        **MYSQL,
    )
    op.add_column("members", sa.Column("notify", sa.String(16)))

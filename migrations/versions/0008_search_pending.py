"""Messages whose tokens are not in the search index yet."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    if "search_pending" in sa.inspect(op.get_bind()).get_table_names():
        return  # MySQL keeps what an interrupted run has made
    op.create_table(
        "search_pending",
        sa.Column("room_id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("room_id", "seq", name="pk_search_pending"),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )

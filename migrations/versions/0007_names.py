"""Names that look alike are found, and those of private rooms are nobody else's business.

Conversations without a name are private; some were made public before that was impossible.
"""

import sqlalchemy as sa
from alembic import op

from chatserver.storage.unique_names import backfill_names

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("rooms", sa.Column("private_name", sa.String(64)))
    for table in ("users", "rooms"):
        op.add_column(table, sa.Column("skeleton", sa.String(128)))
        op.create_index(f"ix_{table}_skeleton", table, ["skeleton"])
    op.create_index("ix_rooms_private_name", "rooms", ["private_name"])
    backfill_names(op.get_bind())

"""A folded form of display names, by which an index finds them."""

import sqlalchemy as sa
from alembic import op

from chatserver.storage.display_names import backfill_display_keys

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("users", sa.Column("display_key", sa.String(128)))
    op.create_index("ix_users_display_key", "users", ["display_key", "name_key"])
    backfill_display_keys(op.get_bind())

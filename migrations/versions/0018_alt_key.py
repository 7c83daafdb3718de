"""A folded form of descriptions of pictures, in which the list of a room's files is searched."""

import sqlalchemy as sa
from alembic import op

from chatserver.storage.alt_texts import backfill_alt_keys

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("files", sa.Column("alt_key", sa.String(1_000)))
    backfill_alt_keys(op.get_bind())

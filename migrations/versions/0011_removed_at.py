"""The time of a user's last removal from a room, which outlives a new membership.

Display keys are filled in again: nodes of the version before 0010 stored accounts without one as
long as they ran beside newer ones.
"""

import sqlalchemy as sa
from alembic import op

from chatserver.storage.display_names import backfill_display_keys
from chatserver.storage.member_rows import backfill_removals

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("members", sa.Column("removed_at", sa.BigInteger))
    backfill_removals(op.get_bind())
    backfill_display_keys(op.get_bind())

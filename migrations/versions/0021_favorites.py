"""Rooms that users have marked as favorites."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    column = sa.Column("favorite", sa.Boolean, nullable=False, server_default=sa.text("0"))
    op.add_column("members", column)

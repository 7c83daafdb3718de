"""The duration and the waveform of sound files."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("files", sa.Column("seconds", sa.Double))
    op.add_column("files", sa.Column("wave", sa.String(64)))

"""A version of each password, to which new sessions are tied."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    version = sa.Column("password_version", sa.Integer, nullable=False, server_default="0")
    op.add_column("users", version)

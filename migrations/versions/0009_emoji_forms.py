"""Reactions in the one form of each emoji: "❤" and "❤️" are the same."""

from alembic import op

from chatserver.storage.reaction_forms import qualify_reactions

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    qualify_reactions(op.get_bind())

"""Reactions in the one form of each emoji: "❤" and "❤️" are the same."""

from alembic import op

from chatserver.storage.emoji_forms import settle_emoji

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    settle_emoji(op.get_bind())

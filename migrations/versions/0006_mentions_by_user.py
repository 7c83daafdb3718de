"""An index of mentions by user, so that counting unread ones reads none of other users."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_index("ix_mentions_user_id_room_id_seq", "mentions", ["user_id", "room_id", "seq"])

"""Indexes: administrators and successors of a room, and invitations by their creator."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    columns = ["room_id", "left_at", "role", "joined_at", "user_id"]
    op.create_index(f"ix_members_{'_'.join(columns)}", "members", columns)
    op.create_index("ix_invites_created_by", "invites", ["created_by"])

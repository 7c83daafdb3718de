"""The index of events by their target contains the kind: most events of a message are reactions."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index(
        "ix_events_room_id_target_seq_kind_seq",
        "events",
        ["room_id", "target_seq", "kind", "seq"],
        sqlite_where=sa.text("target_seq IS NOT NULL"),
    )
    op.drop_index("ix_events_room_id_target_seq", "events")

"""Names of files in the search index: messages that have files are queued for it."""

from alembic import op

revision = "0014"
down_revision = "0013"

BOUND = 2


def upgrade() -> None:
    op.execute(
        "INSERT INTO search_pending (room_id, seq)"  # noqa: S608 - a constant
        f" SELECT DISTINCT f.room_id, f.seq FROM files f WHERE f.state = {BOUND}"
        " AND NOT EXISTS (SELECT 1 FROM search_pending p"
        " WHERE p.room_id = f.room_id AND p.seq = f.seq)"
    )

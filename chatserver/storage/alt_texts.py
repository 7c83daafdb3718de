"""Alternative texts of files, in the form in which they are searched."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.storage.tables import files
from chatserver.text.search_terms import fold

KEY_LENGTH = 1_000  # characters of a text that are compared
BACKFILL_BATCH = 1_000  # files


def alt_key(alt: str | None) -> str | None:
    """Return the form of an alternative text that is searched."""
    return fold(alt)[:KEY_LENGTH] if alt else None


def backfill_alt_keys(connection: Connection) -> None:
    """Store the keys of all files."""
    last = ""
    while found := connection.execute(_NEXT_ALTS, {"last": last}).all():
        connection.execute(_FILL_ALT, [{"row": row.id, "key": alt_key(row.alt)} for row in found])
        last = found[-1].id


_NEXT_ALTS = (
    sa.select(files.c.id, files.c.alt)
    .where(files.c.id > sa.bindparam("last"), files.c.alt.is_not(None))
    .order_by(files.c.id)
    .limit(BACKFILL_BATCH)
)
_FILL_ALT = (
    files.update().where(files.c.id == sa.bindparam("row")).values(alt_key=sa.bindparam("key"))
)

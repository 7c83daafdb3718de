"""Opening of a server's database at its start."""

from pathlib import Path

from chatserver.storage.engine import Database, wait_until_reachable
from chatserver.storage.migrate import migrate, require_head
from chatserver.storage.replacement import remove_leftovers


async def open_database(database: Database, *, backups: Path, create: bool) -> None:
    """Create and migrate the database, or with `create=False` require this program's revision.

    Raises StartError.
    """
    database.durability_counter.refuse_empty()
    if create:
        remove_leftovers(backups, database.path)
        await wait_until_reachable(database)
        await migrate(database, backups=backups)
    else:
        await require_head(database)

"""Rows of a backup of the test database, and the state that a restore of it replaces."""

from typing import Any

from chatserver.storage.archive_io import TABLES, _archived_rows
from chatserver.storage.replaced_state import ReplacedState, read_replaced_state
from tests.storage.conftest import Storage

MADE_AT = 1_000_000  # ms; what `Storage.now` is at first


async def replaced(storage: Storage) -> ReplacedState | None:
    """Return the present state, which a restore would replace."""
    return await read_replaced_state(storage.database, made_at=MADE_AT)


async def rows(storage: Storage) -> list[tuple[str, dict[str, Any]]]:
    """Return the rows of a backup of the present state."""

    def read(connection: Any) -> list[tuple[str, dict[str, Any]]]:
        return [
            (name, dict(row._mapping))
            for name, table in TABLES.items()
            for row in connection.execute(_archived_rows(table))
        ]

    return await storage.database.transaction(read)

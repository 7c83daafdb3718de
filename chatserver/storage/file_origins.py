"""Where files belong, in words for the operator."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from chatserver.storage.bulk import KeyLookup
from chatserver.storage.engine import Database
from chatserver.storage.readers import Share
from chatserver.storage.tables import files, rooms, users


class FileOrigins:
    """Describes files by their name, user, room and day (UTC)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def describe(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the descriptions of registered files by id, in parentheses after a space."""
        async with self._database.reading(Share.COPIES) as connection:
            rows = await connection.run_sync(_ORIGINS.rows, sorted(set(ids)))
        return {row.id: f" ({', '.join(_parts(row))})" for row in rows}


def _parts(row: Any) -> list[str]:
    day = f"{datetime.fromtimestamp(row.at / 1000, UTC):%Y-%m-%d}"
    parts = [f'"{row.name}"', f"of {row.user}", day]
    if row.room_id is not None:
        named = f" {row.room}" if row.room else ""
        parts.insert(2, f"room {row.room_id}{named}")
    return parts


_ORIGINS = KeyLookup(
    sa.select(
        files.c.id,
        files.c.name,
        files.c.at,
        files.c.room_id,
        users.c.name.label("user"),
        sa.func.coalesce(rooms.c.name, rooms.c.private_name).label("room"),
    ).select_from(
        files.join(users, users.c.id == files.c.user_id).outerjoin(
            rooms, rooms.c.id == files.c.room_id
        )
    ),
    files.c.id,
)

"""Rows of files to delete: of deleted messages, old uploads, and those that nothing refers to.

A file is marked first, then its bytes are deleted, then its row: see `files/cleanup.py`.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.file_state import FileState
from chatserver.storage.engine import Database
from chatserver.storage.file_texts import HAS_TEXT, erase_of_files
from chatserver.storage.files import COLUMNS, IS_UNSENT, StoredFile, file_from_row
from chatserver.storage.picture_rows import IS_UNUSED_PICTURE
from chatserver.storage.readers import Share
from chatserver.storage.tables import MARKED_FOR_DELETION, events, files

SLICE = 500  # files


class FileDeletion:
    """Marks files for deletion, and deletes their rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expire(self, before: int) -> int:
        """Begin to delete unsent files older than `before` (ms); return how many."""
        expired = 0
        while ids := await self._unsent_before(before):
            old = files.update().where(files.c.id.in_(ids), IS_UNSENT)
            change = partial(_execute, old.values(MARKED_FOR_DELETION))
            expired += await self._database.transaction(change)
        return expired

    async def _unsent_before(self, before: int) -> list[str]:
        async with self._database.reading(Share.COPIES) as connection:
            return list(await connection.scalars(_UNSENT, {"before": before}))

    async def expire_unreferenced(self) -> int:
        """Begin to delete files that no message, account or server refers to; return how many.

        A node of an earlier version deletes messages without their files. They are looked for
        outside a transaction, in slices.
        """
        expired, after = 0, ""
        while rows := await self._bound_after(after):
            after = rows[-1].id
            if ids := [row.id for row in rows if row.is_unreferenced]:
                expired += await self._expire(ids)
        return expired

    async def _bound_after(self, file_id: str) -> Sequence[Any]:
        async with self._database.reading(Share.COPIES) as connection:
            return (await connection.execute(_BOUND, {"after": file_id})).all()

    async def _expire(self, ids: list[str]) -> int:
        change = files.update().where(files.c.id.in_(ids), _IS_UNREFERENCED)
        deleting = change.values(MARKED_FOR_DELETION)
        due = sa.select(files.c.id).where(files.c.id.in_(ids), files.c.state == FileState.DELETING)

        def work(connection: Connection) -> int:
            expired = connection.execute(deleting).rowcount
            erase_of_files(connection, list(connection.scalars(due)))
            return expired

        return await self._database.transaction(work)

    async def to_delete(self, limit: int, *, after: StoredFile | None = None) -> list[StoredFile]:
        """Return the next files that have to be deleted, oldest first."""
        place = {"at": after.at if after else -1, "id": after.id if after else "", "count": limit}
        async with self._database.reading() as connection:
            return [file_from_row(row) for row in await connection.execute(_TO_DELETE, place)]

    async def delete_rows(self, ids: Sequence[str]) -> int:
        """Delete the rows of files whose bytes are deleted; return how many.

        A row stays while the index of texts has tokens of the file.
        """
        delete = files.delete().where(files.c.id.in_(ids), files.c.state == FileState.DELETING)
        return await self._database.transaction(
            lambda c: c.execute(delete.where(~HAS_TEXT)).rowcount
        )


def _execute(change: sa.Update, connection: Connection) -> int:
    return connection.execute(change).rowcount


_UNSENT = sa.select(files.c.id).where(IS_UNSENT, files.c.at < sa.bindparam("before")).limit(SLICE)
_TO_DELETE = (
    sa.select(*COLUMNS)
    .where(files.c.state == FileState.DELETING)
    .where(sa.tuple_(files.c.at, files.c.id) > sa.tuple_(sa.bindparam("at"), sa.bindparam("id")))
    .order_by(files.c.at, files.c.id)
    .limit(sa.bindparam("count", type_=sa.Integer))
)
_LIVING_MESSAGE = sa.select(events.c.seq).where(
    events.c.room_id == files.c.room_id,
    events.c.seq == files.c.seq,
    events.c.deleted_at.is_(None),
)
_IS_UNREFERENCED = sa.or_(
    sa.and_(files.c.state == FileState.BOUND, ~_LIVING_MESSAGE.exists()), IS_UNUSED_PICTURE
)
_BOUND = (
    sa.select(files.c.id, _IS_UNREFERENCED.label("is_unreferenced"))
    .where(files.c.state.in_((FileState.BOUND, FileState.PICTURE)))
    .where(files.c.id > sa.bindparam("after"))
    .order_by(files.c.id)
    .limit(SLICE)
)

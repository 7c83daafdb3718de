"""Limits of the bytes that the files of a user, of a room, and of all users have.

Sums are read before the transaction that registers an upload, which would delay messages. Uploads
that begin at the same time on this node are counted; those on other nodes are not yet. Owns the
uploads of this node that are being registered.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from chatserver.errors import TooLarge, _
from chatserver.file_state import FileState
from chatserver.storage.engine import Database
from chatserver.storage.files import NewFile
from chatserver.storage.readers import Share
from chatserver.storage.tables import files

USER_IS_FULL = _("Your storage quota is used up.")
ROOM_IS_FULL = _("The storage quota of this room is used up.")
SERVER_IS_FULL = _("The storage quota of this server is used up.")


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bytes; 0 is no limit."""

    user: int = 0
    room: int = 0
    total: int = 0


class FileQuotas:
    """Compares uploads with the quotas."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        self._database = database
        self._quotas = quotas
        self._reserved: dict[int, NewFile] = {}  # by identity: perhaps not in the database yet

    @asynccontextmanager
    async def reserving(self, new: NewFile) -> AsyncIterator[None]:
        """Count an upload that begins in the block. Raises TooLarge above a quota."""
        others = [*self._reserved.values()]
        self._reserved[id(new)] = new
        try:
            await self._compare(new, others)
            yield
        finally:
            del self._reserved[id(new)]

    async def _compare(self, new: NewFile, others: list[NewFile]) -> None:
        of_user = [other for other in others if other.user_id == new.user_id]
        in_room = [other for other in others if other.room == new.room]
        # A file without a room is compared when it is sent: see `apply_files`.
        room_quota = self._quotas.room if new.room is not None else 0
        for quota, concerned, beginning, sentence in (
            (self._quotas.user, files.c.user_id == new.user_id, of_user, USER_IS_FULL),
            (room_quota, files.c.room_id == new.room, in_room, ROOM_IS_FULL),
            (self._quotas.total, sa.true(), others, SERVER_IS_FULL),
        ):
            if not quota:
                continue
            used = await self._used(concerned) + sum(other.bytes for other in beginning)
            if used + new.bytes > quota:
                raise TooLarge(sentence)

    async def _used(self, concerned: sa.ColumnElement[bool]) -> int:
        total = sa.select(sa.func.coalesce(sa.func.sum(files.c.bytes), 0))
        kept = total.where(concerned, files.c.state != FileState.DELETING)
        async with self._database.reading(Share.LISTS) as connection:
            return int(await connection.scalar(kept) or 0)

"""Limits of the bytes that the files of a user, of a room, and of all users have.

Sums are read before the transaction that registers an upload, which would delay messages. Uploads
that begin at the same time on this node are counted; those on other nodes are not yet. Owns the
uploads of this node that are being registered.
"""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from chatserver.errors import RateLimited, TooLarge, _
from chatserver.file_state import FileState
from chatserver.storage.engine import Database
from chatserver.storage.files import NewFile
from chatserver.storage.readers import Share
from chatserver.storage.tables import files

RETRY_DELAY = 1.0  # seconds
LOG_INTERVAL = 60.0  # seconds between two lines of the log about one quota
USER_IS_FULL = _("Your storage quota is used up.")
ROOM_IS_FULL = _("The storage quota of this room is used up.")
SERVER_IS_FULL = _("The storage quota of this server is used up.")
TOO_MANY_ANNOUNCED = _("Too many uploads at once. Wait for one to finish.")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Quotas:
    """Bytes; 0 is no limit. `announced`: of the uploads of one user that are not complete."""

    user: int = 0
    room: int = 0
    total: int = 0
    announced: int = 0


class FileQuotas:
    """Compares uploads with the quotas."""

    def __init__(self, database: Database, quotas: Quotas) -> None:
        self._database = database
        self._quotas = quotas
        self._reserved: dict[int, NewFile] = {}  # by identity: perhaps not in the database yet
        self._logged: dict[str, float] = {}  # times by quota

    @asynccontextmanager
    async def reserving(self, new: NewFile) -> AsyncIterator[None]:
        """Count an upload that begins in the block. Raises TooLarge above a quota.

        Raises RateLimited if too much of the user's uploads has not arrived: announced bytes count
        for the quotas of all.
        """
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
        own = files.c.user_id == new.user_id
        announced = sa.and_(own, files.c.state == FileState.UPLOADING)
        if await self._is_above(self._quotas.announced, new, of_user, announced):
            raise RateLimited(RETRY_DELAY, TOO_MANY_ANNOUNCED)
        for name, quota, concerned, beginning, sentence in (
            ("user", self._quotas.user, own, of_user, USER_IS_FULL),
            ("room", room_quota, files.c.room_id == new.room, in_room, ROOM_IS_FULL),
            ("total", self._quotas.total, sa.true(), others, SERVER_IS_FULL),
        ):
            if await self._is_above(quota, new, beginning, concerned):
                self._log(name, new)
                raise TooLarge(sentence)

    async def _is_above(
        self, quota: int, new: NewFile, others: list[NewFile], concerned: sa.ColumnElement[bool]
    ) -> bool:
        if not quota:
            return False
        used = await self._used(concerned) + sum(other.bytes for other in others)
        return used + new.bytes > quota

    def _log(self, name: str, new: NewFile) -> None:
        now = time.monotonic()
        if now - self._logged.get(name, -LOG_INTERVAL) >= LOG_INTERVAL:
            self._logged[name] = now
            whose = {"user": f" of user {new.user_id}", "room": f" of room {new.room}"}
            logger.warning(
                "uploads are refused: files.%s_bytes%s is used up", name, whose.get(name, "")
            )

    async def _used(self, concerned: sa.ColumnElement[bool]) -> int:
        total = sa.select(sa.func.coalesce(sa.func.sum(files.c.bytes), 0))
        kept = total.where(concerned, files.c.state != FileState.DELETING)
        async with self._database.reading(Share.LISTS) as connection:
            return int(await connection.scalar(kept) or 0)

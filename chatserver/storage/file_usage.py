"""What uses the space for files, for administrators: sizes, and names only where they may see them.

The name of a file is content: an administrator sees those of public rooms and of the own rooms.
Conversations without a name have no title either: it is chosen by its members, or their names.
"""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import sqlalchemy as sa

from chatserver.file_state import FileState
from chatserver.models import RoomKind
from chatserver.storage.engine import Database
from chatserver.storage.members import is_member
from chatserver.storage.readers import Share
from chatserver.storage.tables import files, room_name, rooms, users


@dataclass(frozen=True, slots=True)
class RoomUsage:
    """Files in the messages of a room. A conversation has no `name` (None), and no `title` ("")."""

    room: int
    kind: RoomKind
    name: str | None
    title: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class UserUsage:
    """Files of a user, also those that are not sent yet."""

    name: str
    display: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file in a message. `name`, `type` and `seq` are None if the reader may not see it."""

    id: str
    name: str | None
    type: str | None
    bytes: int
    at: int
    user: str
    room: int
    seq: int | None
    kind: RoomKind
    room_name: str | None
    title: str


class FileLocation(NamedTuple):
    """The room of a file, and the author of its message."""

    room: int
    user_id: int
    user: str


class FileUsage:
    """Queries of the administration page. Callers have to authorise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_room(self, limit: int) -> list[RoomUsage]:
        """Return the rooms whose files are largest together."""
        sums = _sums(files.c.room_id, files.c.state == FileState.BOUND, limit)
        query = _ordered(
            sa.select(
                rooms.c.id, rooms.c.kind, room_name, _TITLE, sums.c.files, sums.c.bytes
            ).join_from(sums, rooms, rooms.c.id == sums.c.key),
            sums,
        )
        return [RoomUsage(row[0], RoomKind(row[1]), *row[2:]) for row in await self._rows(query)]

    async def by_user(self, limit: int) -> list[UserUsage]:
        """Return the users whose files are largest together, as quotas count them."""
        sums = _sums(files.c.user_id, files.c.state != FileState.DELETING, limit)
        query = _ordered(
            sa.select(users.c.name, users.c.display, sums.c.files, sums.c.bytes).join_from(
                sums, users, users.c.id == sums.c.key
            ),
            sums,
        )
        return [UserUsage(*row) for row in await self._rows(query)]

    async def largest(self, reader: int, limit: int) -> list[LargeFile]:
        """Return the largest files, with the names that this user may see."""
        public = sa.and_(rooms.c.private.is_(False), room_name.is_not(None))
        first = (
            sa.select(files.c.id)
            .where(files.c.state == FileState.BOUND)
            .order_by(files.c.bytes.desc(), files.c.id)
            .limit(limit)
            .subquery("first")
        )
        query = (
            _LARGEST.add_columns(sa.or_(public, is_member(reader, rooms.c.id)))
            .join(first, first.c.id == files.c.id)
            .order_by(files.c.bytes.desc(), files.c.id)
        )
        return [_large(row) for row in await self._rows(query)]

    async def location(self, file_id: str) -> FileLocation | None:
        """Return where a file is, if a message has it."""
        query = _PLACED.where(files.c.id == file_id, files.c.state == FileState.BOUND)
        found = await self._rows(query)
        return FileLocation(*found[0]) if found else None

    async def _rows(self, query: sa.Select[Any]) -> list[Any]:
        async with self._database.reading(Share.LISTS) as connection:
            return list(await connection.execute(query))


def _sums(key: sa.ColumnElement[Any], condition: sa.ColumnElement[bool], limit: int) -> sa.Subquery:
    """Return number and size of the files by `key`, the largest first."""
    size = sa.cast(sa.func.sum(files.c.bytes), sa.BigInteger).label("bytes")
    query = sa.select(key.label("key"), sa.func.count().label("files"), size).where(condition)
    return query.group_by(key).order_by(size.desc(), key).limit(limit).subquery("sums")


def _ordered(query: sa.Select[Any], sums: sa.Subquery) -> sa.Select[Any]:
    return query.order_by(sums.c.bytes.desc(), sums.c.key)


def _large(row: Any) -> LargeFile:
    *columns, is_visible = row
    facts: dict[str, Any] = dict(zip(_LARGE_FIELDS, columns, strict=True))
    hidden = {} if is_visible else {"name": None, "type": None, "seq": None}
    return LargeFile(**facts | hidden | {"kind": RoomKind(row.kind)})


_TITLE = sa.case((room_name.is_not(None), rooms.c.title), else_="")
_LARGE_FIELDS = [field.name for field in fields(LargeFile)]  # in the order of _LARGEST
_LARGEST = (
    sa.select(
        files.c.id,
        files.c.name,
        files.c.type,
        files.c.bytes,
        files.c.at,
        users.c.name.label("user"),
        files.c.room_id,
        files.c.seq,
        rooms.c.kind,
        room_name.label("room_name"),
        _TITLE,
    )
    .join_from(files, users, users.c.id == files.c.user_id)
    .join(rooms, rooms.c.id == files.c.room_id)
)
_PLACED = sa.select(files.c.room_id, users.c.id, users.c.name).join_from(
    files, users, users.c.id == files.c.user_id
)

"""The files of a room."""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from chatserver.file_state import FILE_SLOTS, FileState
from chatserver.protocol import count_fitting
from chatserver.storage.departed_view import is_changed_after
from chatserver.storage.engine import Database
from chatserver.storage.files import DESCRIBED_COLUMNS, DescribedFile
from chatserver.storage.readers import Share
from chatserver.storage.tables import files, users
from chatserver.text.attached_files import MEDIA
from chatserver.text.search_terms import fold

FileKind = Literal["image", "video", "audio", "other"]  # MEDIA, and the rest

MAX_WORDS = 10  # of a name that are searched


@dataclass(frozen=True, slots=True)
class RoomFile(DescribedFile):
    """A file, and the message that has it. Times are milliseconds UTC."""

    seq: int
    user: str
    at: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Files of one kind, or with some words in their names or descriptions.

    `before` and `after` limit the seq of their messages. With `after` the files are listed oldest
    first, otherwise newest first. `position` is the cursor of a page. `left_seq`: the seq at which
    a former member left, who sees only messages unchanged since.
    """

    kind: FileKind | None = None
    words: str = ""
    before: int | None = None
    after: int | None = None
    position: int | None = None
    left_seq: int | None = None

    @property
    def oldest_first(self) -> bool:
        return self.after is not None


class FileList:
    """Lists files. Callers have to authorise."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, room: int, selection: Selection, limit: int
    ) -> tuple[list[RoomFile], int | None]:
        """Return the first files of a selection, and the cursor of those that follow, if any.

        They are at most `limit`, and as many as fit into a reply.
        """
        order = files.c.seq if selection.oldest_first else files.c.seq.desc()
        query = (
            _FILES.where(files.c.room_id == room, *_conditions(selection))
            .order_by(order, files.c.position)
            .limit(limit + 1)
        )
        async with self._database.reading(Share.HEAVY) as connection:
            rows = (await connection.execute(query)).all()
        fitting = count_fitting(_length(row) for row in rows[:limit])
        page = [RoomFile(*row[:-1]) for row in rows[:fitting]]
        last = rows[fitting - 1] if len(rows) > fitting else None
        return page, None if last is None else last.seq * FILE_SLOTS + last.position


def _length(row: Any) -> int:
    return sum(len(text) for text in (row.name, row.alt, row.wave) if text)


def _conditions(selection: Selection) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if selection.kind == "other":
        found += [~files.c.type.like(f"{kind}/%") for kind in MEDIA]
    elif selection.kind is not None:
        found.append(files.c.type.like(f"{selection.kind}/%"))
    for word in dict.fromkeys(fold(selection.words).split()[:MAX_WORDS]):
        keys = (files.c.name_key, files.c.alt_key)
        found.append(sa.or_(*(key.contains(word, autoescape=True) for key in keys)))
    if selection.before is not None:
        found.append(files.c.seq < selection.before)
    if selection.after is not None:
        found.append(files.c.seq > selection.after)
    if selection.position is not None:
        found += _follows(selection.position, oldest_first=selection.oldest_first)
    if selection.left_seq is not None:
        changed = is_changed_after(files.c.room_id, files.c.seq, selection.left_seq)
        found += [files.c.seq <= selection.left_seq, ~changed]
    return found


def _follows(cursor: int, *, oldest_first: bool) -> list[sa.ColumnElement[bool]]:
    """Return conditions of the files after a cursor. The first one alone limits the index."""
    seq, position = divmod(cursor, FILE_SLOTS)
    if oldest_first:
        return [files.c.seq >= seq, sa.or_(files.c.seq > seq, files.c.position > position)]
    return [files.c.seq <= seq, sa.or_(files.c.seq < seq, files.c.position > position)]


_COLUMNS: tuple[Any, ...] = (  # in the order of RoomFile, and the position
    *DESCRIBED_COLUMNS,
    files.c.seq,
    users.c.name.label("user"),
    files.c.at,
    files.c.position,
)
_FILES = (
    sa.select(*_COLUMNS)
    .join_from(files, users, users.c.id == files.c.user_id)
    .where(files.c.state == FileState.BOUND)
)

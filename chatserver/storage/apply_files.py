"""Files of a batch of messages: which are bound, and which are deleted with their message.

Everything is checked in memory, and written with a few statements in the transaction of the batch.
A batch without files causes no statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import BadRequest, TooLarge, _
from chatserver.file_state import FileState
from chatserver.models import Draft, Edit
from chatserver.storage import file_texts
from chatserver.storage.bulk import KeyLookup, RowLookup
from chatserver.storage.file_quotas import ROOM_IS_FULL
from chatserver.storage.files import COLUMNS, files_json
from chatserver.storage.tables import MARKED_FOR_DELETION, events, files

MessageKey = tuple[int, int]  # room and seq of a message


class LoadedFiles(NamedTuple):
    """Stored files that a batch names, by id, and those of edited messages, by room and seq.

    `room_left`: the bytes that the files of these rooms may still have, if there is a quota.
    """

    by_id: Mapping[str, Any]
    of_messages: Mapping[MessageKey, tuple[str, ...]]
    room_left: Mapping[int, int]


NO_FILES = LoadedFiles({}, {}, {})


def load_files(connection: Connection, drafts: Sequence[Draft], room_quota: int) -> LoadedFiles:
    """Return the files that a batch names, locked until the end of the transaction.

    `room_quota`: bytes of the files of one room; 0 is no limit.
    """
    naming = [draft for draft in drafts if getattr(draft.act, "files", None) is not None]
    if not naming:
        return NO_FILES
    messages = {(d.room, act.target) for d in naming if isinstance(act := d.act, Edit)}
    bound = _OF_MESSAGES.rows(connection, sorted(messages)) if messages else ()
    ids = {file_id for draft in naming for file_id in getattr(draft.act, "files", ())}
    rows = [*_BY_ID.rows(connection, sorted(ids)), *bound]
    of_messages: dict[MessageKey, tuple[str, ...]] = {}
    for row in bound:
        message = (row.room, row.seq)
        of_messages[message] = (*of_messages.get(message, ()), row.id)
    room_left = _left(connection, {d.room for d in naming}, room_quota) if room_quota else {}
    return LoadedFiles({row.id: row for row in rows}, of_messages, room_left)


def _left(connection: Connection, rooms: set[int], quota: int) -> dict[int, int]:
    used = {row.room_id: int(row.bytes) for row in _USED.rows(connection, sorted(rooms))}
    return {room: quota - used.get(room, 0) for room in rooms}


class BatchFiles:
    """Binds and releases files in the order of the drafts; `write` stores the final state."""

    def __init__(self, loaded: LoadedFiles) -> None:
        self._rows = loaded.by_id
        self._of_messages = dict(loaded.of_messages)
        self._room_left = dict(loaded.room_left)
        self._bound: dict[str, tuple[int, int, int]] = {}  # room, seq, position
        self._dropped: set[str] = set()  # by edits
        self._deleted_messages: set[MessageKey] = set()
        self._descriptions: dict[MessageKey, str] = {}  # JSON

    def bind(self, draft: Draft, ids: Sequence[str], seq: int) -> str:
        """Bind files to a message; return them as JSON.

        Raises BadRequest, or TooLarge above the quota of the room, and changes nothing then.
        """
        return self._set_files(draft, ids, (draft.room, seq), present=())

    def rebind(self, draft: Draft, act: Edit, present: str) -> str:
        """Replace the files of a message, which `present` describes, if the edit names files."""
        if act.files is None:
            return present
        message = (draft.room, act.target)
        before = self._of_messages.get(message, ())
        found = self._set_files(draft, act.files, message, present=before)
        self._dropped |= {*before} - {*act.files}
        return found

    def release(self, room: int, seq: int) -> None:
        """Delete the files of a message."""
        self._descriptions.pop((room, seq), None)
        self._deleted_messages.add((room, seq))

    def _set_files(
        self, draft: Draft, ids: Sequence[str], message: MessageKey, *, present: Sequence[str]
    ) -> str:
        if len(set(ids)) < len(ids) or not all(
            file_id in present or self._is_free(draft, file_id) for file_id in ids
        ):
            raise BadRequest(_("A file is not uploaded yet, or belongs to another message."))
        self._count(draft.room, sum(self._rows[i].bytes for i in {*ids} - {*present}))
        self._bound |= {file_id: (*message, position) for position, file_id in enumerate(ids)}
        self._of_messages[message] = tuple(ids)
        described = files_json(self._rows[file_id] for file_id in ids)
        self._descriptions[message] = described
        return described

    def _count(self, room: int, size: int) -> None:
        """Take bytes from the quota of the room. Raises TooLarge."""
        if room not in self._room_left or not size:
            return
        if size > self._room_left[room]:
            raise TooLarge(ROOM_IS_FULL)
        self._room_left[room] -= size

    def _is_free(self, draft: Draft, file_id: str) -> bool:
        row = self._rows.get(file_id)
        return (
            row is not None
            and row.user_id == draft.user_id
            and row.state == FileState.COMPLETE
            and row.room in (None, draft.room)
            and file_id not in self._bound
        )

    def write(self, connection: Connection) -> None:
        """Write after the rows of new messages."""
        if self._bound:
            bound = [
                {"file": file_id, "room": room, "number": seq, "at_position": position}
                for file_id, (room, seq, position) in sorted(self._bound.items())
            ]
            connection.execute(_BIND, bound)
            rows = [self._rows[file_id] for file_id in self._bound]
            new = [row for row in rows if row.state == FileState.COMPLETE]
            file_texts.enqueue(connection, new)
        if self._descriptions:
            descriptions = [
                {"room": room, "number": seq, "description": text or None}
                for (room, seq), text in sorted(self._descriptions.items())
            ]
            connection.execute(_DESCRIBE, descriptions)
        if self._dropped:
            connection.execute(_DELETE, [{"file": file_id} for file_id in sorted(self._dropped)])
            file_texts.erase_of_files(connection, self._dropped)
        if self._deleted_messages:
            messages = [
                {"room": room, "number": seq} for room, seq in sorted(self._deleted_messages)
            ]
            connection.execute(_DELETE_OF_MESSAGE, messages)
            file_texts.erase_of_messages(connection, self._deleted_messages)


_FOR_UPDATE = sa.select(*COLUMNS).order_by(files.c.id).with_for_update()
_BY_ID = KeyLookup(_FOR_UPDATE, files.c.id)
_OF_MESSAGES = RowLookup(
    sa.select(*COLUMNS)
    .where(files.c.state == sa.literal_column(str(int(FileState.BOUND))))
    .order_by(files.c.position)
    .with_for_update(),
    files.c.room_id,
    files.c.seq,
)
_FILE = files.c.id == sa.bindparam("file")
_USED = KeyLookup(
    sa.select(files.c.room_id, sa.func.sum(files.c.bytes).label("bytes"))
    .where(files.c.state == sa.literal_column(str(int(FileState.BOUND))))
    .group_by(files.c.room_id),
    files.c.room_id,
)
_BIND = (
    files.update()
    .where(_FILE)
    .values(
        state=FileState.BOUND,
        room_id=sa.bindparam("room"),
        seq=sa.bindparam("number"),
        position=sa.bindparam("at_position"),
    )
)
_DELETE = files.update().where(_FILE).values(MARKED_FOR_DELETION)
_DELETE_OF_MESSAGE = (
    files.update()
    .where(files.c.room_id == sa.bindparam("room"), files.c.seq == sa.bindparam("number"))
    .where(files.c.state == FileState.BOUND)
    .values(MARKED_FOR_DELETION)
)
_DESCRIBE = (
    events.update()
    .where(events.c.room_id == sa.bindparam("room"), events.c.seq == sa.bindparam("number"))
    .values(files=sa.bindparam("description"))
)

"""Removal of a file from its message by an administrator of the server.

The message keeps its text and a mark in the place of the file, without its name.
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.errors import NotFound
from chatserver.file_state import UNKNOWN_TYPE, FileState
from chatserver.models import Draft, Event, EventKind, RemoveFile
from chatserver.storage.append_event import append_event, event_from_draft
from chatserver.storage.file_texts import erase_of_files
from chatserver.storage.rights import require_admin
from chatserver.storage.search_index import Entry, reindex
from chatserver.storage.tables import MARKED_FOR_DELETION, events, files


def remove_file(connection: Connection, draft: Draft, act: RemoveFile, now: int) -> Event:
    """Mark the file for deletion, and append the edit. Raises Forbidden, NotFound.

    The room is locked, so that no other change of the message happens at the same time.
    """
    require_admin(connection, act.by)
    message = connection.execute(_MESSAGE, {"room": draft.room, "file": act.file}).one_or_none()
    if message is None:
        raise NotFound
    described = without(message.files, act.file)
    place = {"room": draft.room, "number": message.seq}
    seq = append_event(connection, draft, now, EventKind.EDIT, target=message.seq)
    connection.execute(_SHOW, place | {"shown": described, "now": now})
    connection.execute(_DELETE, {"file": act.file})
    erase_of_files(connection, [act.file])
    reindex(connection, [Entry(draft.room, message.seq, message.user_id, message.body, described)])
    return event_from_draft(
        draft, seq, now, EventKind.EDIT, target=message.seq, data=message.body, files=described
    )


def without(described: str, file_id: str) -> str:
    """Return the files of a message, as JSON, with a mark in the place of one of them."""
    shown: list[dict[str, Any]] = msgspec.json.decode(described)
    mark = {"id": file_id, "name": "", "type": UNKNOWN_TYPE, "bytes": 0, "removed": True}
    return msgspec.json.encode([mark if one["id"] == file_id else one for one in shown]).decode()


_MESSAGE = (
    sa.select(events.c.seq, events.c.user_id, events.c.body, events.c.files)
    .join(files, sa.and_(files.c.room_id == events.c.room_id, files.c.seq == events.c.seq))
    .where(files.c.id == sa.bindparam("file"), files.c.state == FileState.BOUND)
    .where(files.c.room_id == sa.bindparam("room"), events.c.deleted_at.is_(None))
)
_SHOW = (
    events.update()
    .where(events.c.room_id == sa.bindparam("room"), events.c.seq == sa.bindparam("number"))
    .values(files=sa.bindparam("shown"), edited_at=sa.bindparam("now"))
)
_DELETE = files.update().where(files.c.id == sa.bindparam("file")).values(MARKED_FOR_DELETION)

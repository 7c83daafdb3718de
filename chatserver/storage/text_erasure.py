"""Erasure of message texts, and of everything that would reveal them.

Deletions by users (`message_rows`) and the retention period (`retention`) call it; `integrity`
checks the result. The events remain, so that the seqs of a room have no gaps.
"""

from collections.abc import Collection
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import EventKind
from chatserver.storage import search_index
from chatserver.storage.bulk import BulkDelete
from chatserver.storage.idempotency import SHORT_DIGEST
from chatserver.storage.tables import EventRef, events, mentions, reactions

_IN_ROOM = events.c.room_id == sa.bindparam("room")
_SEQS: sa.BindParameter[list[int]] = sa.bindparam("seqs", expanding=True)
_MESSAGES = (
    events.update()
    .where(_IN_ROOM, events.c.seq.in_(_SEQS))
    .values(body="", files=None, digest=SHORT_DIGEST, deleted_at=sa.bindparam("now"))
)
_EDITS = (
    events.update()
    .where(_IN_ROOM, events.c.target_seq.in_(_SEQS), events.c.kind == EventKind.EDIT)
    .values(body="", digest=SHORT_DIGEST)
)
_MENTIONS = BulkDelete(mentions, "room_id", "seq")
_REACTIONS = BulkDelete(reactions, "room_id", "seq")


def erase_texts(connection: Connection, refs: Collection[EventRef], now: int) -> None:
    """Remove texts, mentions, reactions, tokens and digests of messages; mark them as deleted.

    Earlier versions stored the text of an edit in its event too. The caller has locked the rooms,
    and marks the files of the messages as deleted.
    """
    for room, some in groupby(sorted(refs), key=itemgetter(0)):
        messages = {"room": room, "seqs": [seq for _room, seq in some]}
        connection.execute(_MESSAGES, messages | {"now": now})
        connection.execute(_EDITS, messages)
    _MENTIONS.delete(connection, refs)
    _REACTIONS.delete(connection, refs)
    search_index.unindex(connection, refs)

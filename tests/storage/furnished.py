"""A database with rows in every table, and its integrity check."""

from contextlib import aclosing
from typing import Any

import sqlalchemy as sa

from chatserver.storage.engine import Database
from chatserver.storage.integrity import check
from chatserver.storage.search_index import Entry, index, search
from chatserver.storage.tables import (
    bot_tokens,
    events,
    files,
    invites,
    mentions,
    notification_rules,
    reactions,
    sessions,
)
from tests.storage.conftest import Storage, draft

TEXTS = ("first", "你好 👋 ' \" \\ %s \n\t\x00 end ", "third", "")


async def furnish(storage: Storage) -> None:
    """Insert two users, four messages in the lobby, one direct room, and rows in every table."""
    ann, bo = await storage.user("ann"), await storage.user("bo")
    direct = await storage.direct((ann.id, "ann"), (bo.id, "bo"))
    await storage.log.store([draft(ann, text or "deleted") for text in TEXTS])
    await storage.log.store([draft(bo, "psst", room=direct.room), draft(bo, "last", draft_id="a ")])
    rows: list[tuple[sa.Table, dict[str, Any]]] = [
        (bot_tokens, {"digest": "d", "user_id": bo.id, "created_at": 1}),
        (reactions, {"room_id": 1, "seq": 1, "emoji": "👋", "user_id": bo.id, "at": 5}),
        (mentions, {"room_id": 1, "seq": 1, "user_id": 0}),
        (mentions, {"room_id": 1, "seq": 1, "user_id": bo.id}),
        (notification_rules, {"user_id": ann.id, "rules": "{}"}),
        (sessions, {"id": "s", "user_id": ann.id, "created_at": 1, "expires_at": 2**52,
                    "last_seen_at": 1, "client": "tests"}),
        (invites, {"code": "c", "created_by": ann.id, "created_at": 1, "expires_at": 2,
                   "uses_left": 3}),
        (files, {"id": "A" * 22, "user_id": ann.id, "room_id": 1, "seq": 1, "position": 0,
                 "name": "a", "name_key": "a", "type": "audio/ogg", "bytes": 1, "state": 2,
                 "at": 5, "seconds": 7.26, "wave": "A" * 64}),
    ]  # fmt: skip

    def work(connection: sa.Connection) -> None:
        for table, row in rows:
            connection.execute(table.insert().values(row))
        gone = {"body": "", "digest": None, "deleted_at": 7}
        connection.execute(events.update().where(at(1, 4)).values(gone))
        connection.execute(events.update().where(at(1, 1)).values(files="[]"))

    await storage.database.transaction(work)
    await storage.database.transaction(index_all)


def index_all(connection: sa.Connection) -> None:
    """Fill the search index for rows that were inserted directly."""
    connection.execute(search.delete())
    kept = sa.select(events).where(events.c.kind == 2, events.c.deleted_at.is_(None))
    found = connection.execute(kept.order_by(events.c.at, events.c.room_id, events.c.seq))
    index(connection, [Entry(r.room_id, r.seq, r.user_id, r.body, r.files) for r in found])


def at(room: int, seq: int) -> sa.ColumnElement[bool]:
    return sa.and_(events.c.room_id == room, events.c.seq == seq)


async def findings(database: Database) -> list[str]:
    async with aclosing(check(database)) as steps:
        return [finding async for step in steps for finding in step.findings]

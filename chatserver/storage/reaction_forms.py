"""Conversion of reactions that older versions stored as sent to fully qualified emoji."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import EventKind
from chatserver.storage.bulk import BulkInsert
from chatserver.storage.tables import events, reactions
from chatserver.text.emoji import qualified

_INSERT = BulkInsert(reactions, "room_id", "seq", "emoji", "user_id", "at")


def qualify_reactions(connection: Connection) -> None:
    """Rename variants in reactions and events, and remove duplicates of the same user."""
    for emoji in connection.scalars(sa.select(reactions.c.emoji).distinct()).all():
        if (form := qualified(emoji)) not in (None, emoji):
            _rename(connection, emoji, str(form))
    bodies = sa.select(events.c.body).where(events.c.kind == EventKind.REACT).distinct()
    for body in connection.scalars(bodies).all():
        if (form := qualified(body[1:])) not in (None, body[1:]):
            same = sa.and_(events.c.kind == EventKind.REACT, events.c.body == body)
            connection.execute(events.update().where(same).values(body=f"{body[0]}{form}"))


def _rename(connection: Connection, emoji: str, form: str) -> None:
    existing = {_key(row) for row in _rows(connection, form)}
    rows = [row for row in _rows(connection, emoji) if _key(row) not in existing]
    connection.execute(reactions.delete().where(reactions.c.emoji == emoji))
    if rows:
        new = [(row.room_id, row.seq, form, row.user_id, row.at) for row in rows]
        _INSERT.insert(connection, new)


def _rows(connection: Connection, emoji: str) -> list[Any]:
    return list(connection.execute(reactions.select().where(reactions.c.emoji == emoji)))


def _key(row: Any) -> tuple[int, int, int]:
    return row.room_id, row.seq, row.user_id

"""Display names: a folded form is stored with each, so that an index finds them.

Nodes of the previous version store none (NULL), or leave the one of an earlier display name.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.storage.tables import users
from chatserver.text.search_terms import fold

KEY_LENGTH = 128  # characters of a folded form that are stored
BATCH_SIZE = 500  # rows per UPDATE


def display_columns(display: str) -> dict[str, Any]:
    """Return the columns that store a display name."""
    return {"display": display, "display_key": display_key(display)}


def display_key(display: str) -> str:
    return fold(display)[:KEY_LENGTH]


async def accounts_displayed(connection: AsyncConnection, name: str) -> frozenset[int]:
    """Return the ids of all accounts with this display name, regardless of case and width."""
    rows = await connection.execute(_DISPLAYED, {"key": display_key(name)})
    folded = fold(name)
    return frozenset(row.id for row in rows if fold(row.display) == folded)


def backfill_display_keys(connection: Connection) -> None:
    """Store the keys of all accounts."""
    last = 0
    while found := connection.execute(_NEXT, {"last": last}).all():
        connection.execute(_FILL, [_key_row(row) for row in found])
        last = found[-1].id


def _key_row(row: Any) -> dict[str, Any]:
    return {"row": row.id, "key": display_key(row.display)}


def names_displayed(
    connection: Connection, beginning: str, after: str, limit: int
) -> Sequence[str]:
    """Return the next name keys, in order, of users whose display name has that beginning."""
    low = display_key(beginning)
    parameters = {"low": low, "high": f"{low}\U0010ffff", "after": after, "count": limit}
    return connection.scalars(_BEGINNING, parameters).all()


_DISPLAYED = sa.select(users.c.id, users.c.display).where(
    sa.or_(users.c.display_key == sa.bindparam("key"), users.c.display_key.is_(None))
)
_NEXT = (
    sa.select(users.c.id, users.c.display)
    .where(users.c.id > sa.bindparam("last"))
    .order_by(users.c.id)
    .limit(BATCH_SIZE)
)
_FILL = (
    users.update().where(users.c.id == sa.bindparam("row")).values(display_key=sa.bindparam("key"))
)
# An expression, so that no database reads all names in order to save the sorting.
_name = sa.func.coalesce(users.c.name_key, "")
_BEGINNING = (
    sa.select(users.c.name_key)
    .where(users.c.display_key >= sa.bindparam("low"), users.c.display_key < sa.bindparam("high"))
    .where(_name > sa.bindparam("after"))
    .order_by(_name)
    .limit(sa.bindparam("count", type_=sa.Integer))
)

"""Accounts by name, looked up many at a time inside a transaction."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.storage.bulk import KeyLookup
from chatserver.storage.tables import users

_NAMED = KeyLookup(sa.select(users.c.name_key, users.c.id, users.c.name), users.c.name_key)


def accounts_by_key(connection: Connection, keys: Collection[str]) -> dict[str, tuple[int, str]]:
    """Id and name of each account whose name has one of these keys, by key."""
    rows = _NAMED.rows(connection, sorted(keys))
    return {row.name_key: (row.id, row.name) for row in rows}

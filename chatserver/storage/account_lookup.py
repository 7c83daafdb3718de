"""Lookup of accounts by name inside a transaction."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.storage.bulk import KeyLookup
from chatserver.storage.tables import users

_BY_NAME_KEY = KeyLookup(sa.select(users.c.name_key, users.c.id, users.c.name), users.c.name_key)


def accounts_by_key(connection: Connection, keys: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return id and name of the accounts with these name keys, by key."""
    rows = _BY_NAME_KEY.rows(connection, sorted(keys))
    return {row.name_key: (row.id, row.name) for row in rows}

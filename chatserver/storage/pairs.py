"""Many rows by two-part keys in one statement: a question that dialects ask differently."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def among(
    connection: Connection,
    one: sa.ColumnElement[Any],
    other: sa.ColumnElement[Any],
    pairs: Collection[tuple[Any, Any]],
) -> sa.ColumnElement[bool]:
    """Whether (one, other) is among the pairs, found through the index on both.

    SQLite scans the whole table for (a, b) IN (VALUES …) with two rows or more; a join with
    json_each looks each pair up, and is one prepared statement for any number of them.
    """
    if connection.dialect.name != "sqlite":
        return sa.tuple_(one, other).in_(list(pairs))
    keys = sa.func.json_each(json.dumps(list(pairs))).table_valued("value")
    return sa.and_(
        one == sa.func.json_extract(keys.c.value, "$[0]"),
        other == sa.func.json_extract(keys.c.value, "$[1]"),
    )

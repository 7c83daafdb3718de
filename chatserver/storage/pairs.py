"""Many rows in one statement: looked up by two-part keys, or inserted."""

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

Pairs = Collection[tuple[Any, Any]]


class ByPairs:
    """The rows of a query whose (one, other) is among some pairs, found through their index.

    SQLite scans the whole table for (a, b) IN (VALUES …) with two rows or more; a join with
    json_each looks each pair up, and is one prepared statement for any number of them. Values come
    as the driver gives them.
    """

    def __init__(
        self, query: sa.Select[Any], one: sa.ColumnElement[Any], other: sa.ColumnElement[Any]
    ) -> None:
        keys = sa.func.json_each(sa.bindparam("pairs")).table_valued("value")
        looked_up = query.where(
            one == sa.func.json_extract(keys.c.value, sa.literal_column("'$[0]'")),
            other == sa.func.json_extract(keys.c.value, sa.literal_column("'$[1]'")),
        )
        self._sqlite = str(looked_up.compile(dialect=sqlite.dialect()))
        self._others = query.where(sa.tuple_(one, other).in_(sa.bindparam("pairs", expanding=True)))

    def rows(self, connection: Connection, pairs: Pairs) -> sa.CursorResult[Any]:
        if connection.dialect.name == "sqlite":
            return connection.exec_driver_sql(self._sqlite, (json.dumps(list(pairs)),))
        return connection.execute(self._others, {"pairs": list(pairs)})


class ManyRows:
    """Rows for a table, as tuples of driver values in the order of `columns`.

    The statement is compiled once for each kind of database. SQLAlchemy's own way through a dict a
    row takes twice as long as SQLite's.
    """

    def __init__(self, table: sa.TableClause, *columns: str) -> None:
        self._statement = table.insert()
        self._columns = columns
        self._compiled: dict[str, str] = {}

    def insert(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        sql = self._compiled.get(connection.dialect.name) or self._compile(connection)
        connection.exec_driver_sql(sql, rows)

    def _compile(self, connection: Connection) -> str:
        dialect = connection.dialect
        sql = str(self._statement.compile(dialect=dialect, column_keys=list(self._columns)))
        self._compiled[dialect.name] = sql
        return sql

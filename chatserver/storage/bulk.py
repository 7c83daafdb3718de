"""Statements for many rows at once: lookup by keys, increment, insert, delete."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Connection

KEYS_PER_STATEMENT = 500  # building a statement with thousands would hold up the event loop

# SQLite takes the keys as one JSON value, so one prepared statement serves any number of them.
_KEYS = sa.func.json_each(sa.bindparam("pairs")).table_valued("value")


def _part(index: int) -> sa.ColumnElement[Any]:
    return sa.func.json_extract(_KEYS.c.value, sa.literal_column(f"'$[{index:d}]'"))


_FIRST, _SECOND = _part(0), _part(1)


def as_json(keys: Collection[Any]) -> str:
    """Return keys as the JSON parameter of SQLite statements."""
    return msgspec.json.encode(list(keys)).decode()


def key_slices(keys: Iterable[int]) -> Iterator[list[int]]:
    """Yield all keys in ascending order, as many at a time as one statement takes."""
    ordered = sorted(set(keys))
    for start in range(0, len(ordered), KEYS_PER_STATEMENT):
        yield ordered[start : start + KEYS_PER_STATEMENT]


def match_rows(query: sa.Select[Any], *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """SQLite: restrict a query to the tuples of its single parameter, which `as_json` makes."""
    return query.where(*(column == _part(index) for index, column in enumerate(columns)))


class RowLookup:
    """Look up the rows of a query by many values of several columns, through their index.

    SQLite scans the whole table for (a, b) IN (VALUES …) with two rows or more; a join with
    json_each looks each tuple up, and is one prepared statement for any number of them. Values are
    returned as the driver gives them.
    """

    def __init__(self, query: sa.Select[Any], *columns: sa.ColumnElement[Any]) -> None:
        self._sqlite = str(match_rows(query, *columns).compile(dialect=sqlite.dialect()))
        among = sa.tuple_(*columns).in_(sa.bindparam("keys", expanding=True))
        self._mysql = query.where(among)

    def rows(
        self, connection: Connection, keys: Collection[tuple[Any, ...]]
    ) -> Sequence[sa.Row[Any]]:
        if connection.dialect.name == "sqlite":
            return connection.exec_driver_sql(self._sqlite, (as_json(keys),)).all()
        return connection.execute(self._mysql, {"keys": list(keys)}).all()


class KeyLookup:
    """Look up the rows of a query by many values of one column.

    One prepared statement serves any number of keys, as in `RowLookup`. MySQL gets a parameter for
    each key, without the time that SQLAlchemy takes to expand tens of thousands. Values are
    returned as the driver gives them.
    """

    def __init__(self, query: sa.Select[Any], key: sa.ColumnElement[Any]) -> None:
        among = key.in_(sa.select(_KEYS.c.value))
        self._sqlite = str(query.where(among).compile(dialect=sqlite.dialect()))
        one = query.where(key.in_([sa.literal_column("KEYS")]))
        self._mysql = str(one.compile(dialect=mysql.dialect()))

    def rows(self, connection: Connection, keys: Collection[Any]) -> Sequence[sa.Row[Any]]:
        if not keys:
            return []
        if connection.dialect.name == "sqlite":
            return connection.exec_driver_sql(self._sqlite, (as_json(keys),)).all()
        marks = ", ".join(["%s"] * len(keys))
        sql = self._mysql.replace("(KEYS)", f"({marks})")
        return connection.exec_driver_sql(sql, tuple(keys)).all()


class CounterUpdate:
    """Increments a counter column of many rows, given as counts by id.

    Rows are updated in id order, so that nodes cannot deadlock.
    """

    def __init__(self, id_: sa.Column[int], counter: sa.Column[int]) -> None:
        update = sa.update(id_.table)
        in_one_statement = update.values({counter: counter + _SECOND}).where(id_ == _FIRST)
        self._sqlite = str(in_one_statement.compile(dialect=sqlite.dialect()))
        one_by_one = update.values({counter: counter + sa.bindparam("count", type_=sa.Integer)})
        self._mysql = one_by_one.where(id_ == sa.bindparam("id_"))

    def add(self, connection: Connection, pairs: Mapping[int, int]) -> None:
        ordered = sorted(pairs.items())
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._sqlite, (as_json(ordered),))
        else:
            rows = [{"id_": key, "count": count} for key, count in ordered]
            connection.execute(self._mysql, rows)


class BulkInsert:
    """Inserts rows given as tuples of driver values; `columns` in the order of the table.

    The statement is compiled once per dialect. SQLAlchemy's dict per row takes twice as long as the
    insert itself on SQLite.
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


class BulkDelete:
    """Deletes rows by many keys, whose parts are in the order of `columns`.

    SQLite runs the statement for each key in one call; MySQL gets several keys in one statement.
    A single key has its own form: MariaDB scans the table for `(a, b) IN ((1, 2))` in a DELETE.
    """

    def __init__(self, table: sa.TableClause, *columns: str) -> None:
        parts = [table.c[name] for name in columns]
        one = sa.and_(*(part == sa.bindparam(part.name) for part in parts))
        self._names = columns
        self._one = table.delete().where(one)
        self._sqlite = str(self._one.compile(dialect=sqlite.dialect()))
        among = sa.tuple_(*parts).in_(sa.bindparam("keys", expanding=True))
        self._mysql = table.delete().where(among)

    def delete(self, connection: Connection, keys: Collection[tuple[Any, ...]]) -> None:
        if not keys:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(self._sqlite, sorted(keys))
        elif len(keys) == 1:
            connection.execute(self._one, dict(zip(self._names, *keys, strict=True)))
        else:
            connection.execute(self._mysql, {"keys": sorted(keys)})

"""Runs the migrations on the connection that `chatserver.storage.migrate` hands in.

MySQL commits each change of a table by itself, so a migration that was interrupted begins again on
some of its own tables: what it has made before is skipped. Statements that change rows are rolled
back together; they stand after the last change of a table, or begin by removing what they made.
"""

from typing import Any

import sqlalchemy as sa
from alembic import context
from alembic.ddl.mysql import MySQLImpl

from chatserver.storage.tables import metadata


class RepeatableMySQL(MySQLImpl):
    """Makes what is missing and drops what is there."""

    __dialect__ = "mysql"

    def create_table(self, table: sa.Table, **options: Any) -> None:
        if not self._inspected.has_table(table.name):
            super().create_table(table, **options)
            return
        for index in table.indexes:
            self.create_index(index)

    def drop_table(self, table: sa.Table, **options: Any) -> None:
        if self._inspected.has_table(table.name):
            super().drop_table(table, **options)

    def add_column(self, table_name: str, column: sa.Column[Any], **options: Any) -> None:
        if column.name not in self._columns(table_name):
            super().add_column(table_name, column, **options)

    def drop_column(self, table_name: str, column: sa.Column[Any], **options: Any) -> None:
        if column.name in self._columns(table_name):
            super().drop_column(table_name, column, **options)

    def create_index(self, index: sa.Index, **options: Any) -> None:
        if index.name not in self._indexes(index):
            super().create_index(index, **options)

    def drop_index(self, index: sa.Index, **options: Any) -> None:
        if index.name in self._indexes(index):
            super().drop_index(index, **options)

    @property
    def _inspected(self) -> sa.Inspector:
        """As the tables are now: an inspector remembers what it has seen."""
        if self.connection is None:
            raise RuntimeError("migrations need a connection")
        return sa.inspect(self.connection)

    def _columns(self, table_name: str) -> set[str]:
        return {column["name"] for column in self._inspected.get_columns(table_name)}

    def _indexes(self, index: sa.Index) -> set[str | None]:
        if index.table is None:
            raise RuntimeError(f"{index.name} needs its table")
        return {found["name"] for found in self._inspected.get_indexes(index.table.name)}


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

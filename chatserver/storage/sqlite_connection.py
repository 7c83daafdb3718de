"""Connections of SQLite that do not outlive their `close`, or the query that opened them.

SQLite keeps a file open while a statement of the connection exists, and Python keeps a connection
that nobody closed until the garbage collector finds it.
"""

import asyncio
import sqlite3
from typing import Any
from weakref import WeakSet

import aiosqlite

from chatserver.threads import settled


class SQLiteConnection(sqlite3.Connection):
    """Closes its cursors before itself: a cancelled query leaves one open."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        cursor = super().cursor(factory)
        self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        for cursor in list(self._cursors):
            cursor.close()
        super().close()


async def connect(*arguments: Any, **options: Any) -> aiosqlite.Connection:
    """Open a connection in its own thread; if cancelled, close it once it is open."""
    connection = aiosqlite.connect(*arguments, factory=SQLiteConnection, **options)
    connection._thread.daemon = True  # noqa: SLF001 - a hung disk must not stop the process's end
    opening = asyncio.ensure_future(connection)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await settled(opening)
        await connection.close()
        raise

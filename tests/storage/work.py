"""How much a database does for some statements, which does not depend on the machine."""

from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def work_of(connection: Connection, run: Callable[[Connection], object]) -> int:
    """Return the steps of SQLite's virtual machine, or the number of rows that MariaDB reads."""
    if connection.dialect.name != "sqlite":
        before = rows_read(connection)
        run(connection)
        return rows_read(connection) - before
    raw: Any = connection.connection.driver_connection
    steps: list[None] = []
    raw.set_progress_handler(partial(steps.append, None), 1)
    run(connection)
    raw.set_progress_handler(None, 1)
    return len(steps)


def rows_read(connection: Connection) -> int:
    read = connection.execute(sa.text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row[1]) for row in read)

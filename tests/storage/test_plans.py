"""Query plans: no statement of the message path scans a growing table."""

import sqlite3
from contextlib import closing
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import LOBBY, Act, Delete, Edit, Post, React, RoomFacts, RoomKind
from chatserver.storage.bulk import as_json
from chatserver.storage.members import MEMBERSHIPS
from tests.storage.conftest import Storage, acting, draft, unresolved

GROWING = ("search", "events", "members", "reactions", "mentions", "rooms", "users")


async def test_no_statement_of_the_message_path_scans(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [await storage.user(f"bo{number}") for number in range(5)]
    seen: list[tuple[str, Any]] = []

    def keep(_c: Connection, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        seen.append((statement, values))

    readers = [reader.sync_engine for reader in storage.database.readers.values()]
    for engine in (storage.database.writer.engine, *readers):
        sa.event.listen(engine, "before_cursor_execute", keep)
    await storage.log.store([draft(user, "hi") for user in users] * 2)
    named = [(user.id, user.name) for user in users]
    pairs = [await storage.direct(named[0], other) for other in named]
    await storage.log.store([draft(users[0], "hi", room=facts.room) for facts in pairs])
    acts: list[Act] = [
        Edit(1, "x", ("bo1",)),
        React(1, "👍", on=True),
        React(1, "👍", on=False),
        Delete(1),
    ]
    await storage.log.store([acting(users[0], act) for act in acts])
    await storage.log.store([acting(users[0], act) for act in acts])  # refused
    await storage.log.store([unresolved(users[1], Post("hi"), to="bo2")])
    await storage.log.store([unresolved(users[1], Post("hi"), room=LOBBY)])
    await storage.log.before(RoomFacts(LOBBY, RoomKind.GROUP), 100, 50)
    await storage.log.after(RoomFacts(LOBBY, RoomKind.GROUP), 0, 100, 50)
    await storage.rooms.for_user(users[0].id)
    await storage.rooms.readable(users[0].id, [LOBBY])
    explain = explained if storage.database.is_sqlite else explained_by_mariadb
    plans = await storage.database.run_on_writer(lambda connection: explain(connection, seen))
    assert len(plans) > 10
    assert [plan for plan in plans if is_scan(plan[0])] == []


async def test_the_rights_of_an_author_are_found_with_equal_work_in_rooms_of_any_size(
    storage: Storage,
) -> None:
    """Counts the steps of SQLite's virtual machine."""
    ann = await storage.user("ann")
    if not storage.database.is_sqlite:
        return  # MariaDB does not count steps
    lookup = str(MEMBERSHIPS._sqlite), (as_json([(LOBBY, ann.id)]),)
    steps = []
    for size in (5, 100):
        for number in range(size):
            await storage.user(f"user{size}x{number}")
        with closing(sqlite3.connect(storage.database.path or "")) as connection:
            done: list[None] = []
            connection.set_progress_handler(partial(done.append, None), 1)
            assert len(connection.execute(*lookup).fetchall()) == 1
        steps.append(len(done))
    assert steps[1] < 1.5 * steps[0]


def is_scan(step: str) -> bool:
    kind, table = step.split()[:2]
    return kind == "SCAN" and table in GROWING


def explained(connection: Connection, seen: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return all steps of the plans of these statements, with the statements."""
    return [
        (str(row.detail), statement)
        for statement, values in list(seen)
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "INSERT INTO SEARCH_WORDS"))
        and not isinstance(values, list)
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    ]


def explained_by_mariadb(
    connection: Connection, seen: list[tuple[str, Any]]
) -> list[tuple[str, str]]:
    """Do the same in SQLite's format. A possible key suffices, as MariaDB scans small tables."""
    return [
        (f"{'SEARCH' if row.possible_keys else 'SCAN'} {row.table}", statement)
        for statement, values in list(seen)
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE"))
        and not isinstance(values, list)
        for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)
        if row.table is not None
    ]

"""Integrity check: invariants of the data, one query per rule, on a consistent snapshot.

Every row that a rule's query returns is a violation; the rule's sentence has placeholders for the
columns.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from chatserver.file_state import FileState
from chatserver.models import LOBBY, EventKind
from chatserver.storage.archive_file import line
from chatserver.storage.archive_io import TABLES, consistent_snapshot
from chatserver.storage.engine import Database
from chatserver.storage.idempotency import KEPT_DIGEST
from chatserver.storage.meta_keys import EPOCH, SERVER_LOGO
from chatserver.storage.search_index import Entry, document_of, pending, search
from chatserver.storage.slices import compute_in_slices
from chatserver.storage.tables import events, rooms

BATCH_SIZE = 100  # texts read at a time
MAX_FINDINGS = 100  # listed per rule


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant; `broken` is a query for its violations."""

    sentence: str
    broken: str


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one of `of` steps of a check."""

    of: int
    findings: list[str] = field(default_factory=list)


Further = Callable[[], Awaitable[list[str]]]  # a check of other data, which returns findings


async def check(database: Database, further: Further | None = None) -> AsyncGenerator[Step]:
    """Check every rule in turn. Use `aclosing`: the generator holds a connection."""
    rules = [*RULES, *_references()]
    of = len(rules) + 1 + database.is_sqlite + (further is not None)
    async with consistent_snapshot(database) as connection:
        if database.is_sqlite:
            yield Step(of, await _file(connection))
        for rule in rules:
            yield Step(of, await _findings(_broken(connection, rule)))
        yield Step(of, await _findings(_index(connection)))
    if further is not None:
        yield Step(of, await further())


async def report(database: Database, further: Further | None = None) -> AsyncGenerator[bytes]:
    """Yield a line of JSON for each step, and one with the totals. Use `aclosing`."""
    sound = True
    async with aclosing(check(database, further)) as steps:
        async for step in steps:
            sound = sound and not step.findings
            yield line(msgspec.to_builtins(step))
    yield line(await totals(database) if sound else {"rooms": 0, "events": 0})


async def totals(database: Database) -> dict[str, int]:
    """Return the numbers of rooms and of events."""
    async with database.reading() as connection:
        return {
            table.name: int(await connection.scalar(sa.select(sa.func.count(table.c[key]))) or 0)
            for table, key in ((rooms, "id"), (events, "seq"))
        }


async def _findings(query: Awaitable[list[str]]) -> list[str]:
    """Return a query's findings, or its failure: a damaged file fails some queries only."""
    try:
        return await query
    except DatabaseError as error:
        if isinstance(error, OperationalError | InterfaceError):
            raise
        return [f"The file is damaged: {error.orig}."]


async def _broken(connection: AsyncConnection, rule: Rule) -> list[str]:
    found = (
        await connection.execute(sa.text(f"{rule.broken} LIMIT {MAX_FINDINGS + 1}"))
    ).mappings()
    findings = [rule.sentence.format(**row) for row in found]
    if len(findings) <= MAX_FINDINGS:
        return findings
    count = f"SELECT COUNT(*) FROM ({rule.broken}) AS broken"  # noqa: S608 - a constant
    return _shown(findings, int(await connection.scalar(sa.text(count)) or 0))


def _shown(findings: list[str], count: int) -> list[str]:
    """Return the first of a rule's `count` findings, and a line that counts the others."""
    more = count - MAX_FINDINGS
    return [*findings[:MAX_FINDINGS], f"… and {more} further findings."] if more > 0 else findings


async def _index(connection: AsyncConnection) -> list[str]:
    """Find messages that are not in the index with the tokens of their present text and files."""
    findings: list[str] = []
    result = await connection.stream(_INDEXED, execution_options={"yield_per": BATCH_SIZE})
    async for rows in result.partitions():
        async for wrong in compute_in_slices(_wrongly_indexed, rows):
            findings += wrong
    return _shown(findings, len(findings))


def _wrongly_indexed(rows: Iterable[Any]) -> list[str]:
    return [
        f"Room {row.room_id}, message {row.seq}: is indexed with outdated tokens."
        for row in rows
        if not _is_indexed(row.tokens, document_of(Entry(*row[:5])))
    ]


def _is_indexed(kept: str | None, expected: str) -> bool:
    """Whether the tokens are the same; versions of this program order them differently."""
    return kept == expected or (kept is not None and set(kept.split()) == set(expected.split()))


_PENDING = sa.select(pending.c.seq).where(
    pending.c.room_id == events.c.room_id, pending.c.seq == events.c.seq
)
_INDEXED = (
    sa.select(
        events.c.room_id,
        events.c.seq,
        events.c.user_id,
        events.c.body,
        events.c.files,
        search.c.tokens,
    )
    .outerjoin(search, sa.and_(search.c.room_id == events.c.room_id, search.c.seq == events.c.seq))
    .where(events.c.kind == EventKind.MESSAGE, events.c.deleted_at.is_(None))
    .where(~_PENDING.exists())
)


async def _file(connection: AsyncConnection) -> list[str]:
    """Return what SQLite's own check finds; `_references` covers its foreign_key_check."""
    found = (await connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_FINDINGS})")).scalars()
    return [f"The file is damaged: {text}." for text in found if text != "ok"]


def _references() -> Iterator[Rule]:
    """Yield a rule per foreign key: a database that was copied by hand may violate them."""
    for table in TABLES.values():
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
            other, column = key.column.table.name, key.parent.name
            yield Rule(
                f"{table.name}: {{times}} with {column} {{value}}, which is not among the {other}.",
                f"SELECT t.{column} AS value, COUNT(*) AS times FROM {table.name} t"  # noqa: S608
                f" LEFT JOIN {other} o ON o.{key.column.name} = t.{column}"
                f" WHERE t.{column} IS NOT NULL AND o.{key.column.name} IS NULL"
                f" GROUP BY t.{column}",
            )


def _of_messages(table: str, unless: str = "0") -> tuple[Rule, Rule]:
    """Return rules for a table whose rows need a message, not deleted `unless` that holds."""
    joined = f"FROM {table} t LEFT JOIN events e ON e.room_id = t.room_id AND e.seq = t.seq"
    select = "SELECT DISTINCT t.room_id, t.seq"
    return (
        Rule(
            f"Room {{room_id}}: {table} of message {{seq}}, which does not exist.",
            f"{select} {joined} WHERE e.seq IS NULL OR e.kind <> {EventKind.MESSAGE:d}",
        ),
        Rule(
            f"Room {{room_id}}: {table} of message {{seq}}, which is deleted.",
            f"{select} {joined} WHERE e.deleted_at IS NOT NULL AND NOT ({unless})",
        ),
    )


RULES = (
    Rule(
        "The database has no epoch, the name of its log.",
        f"SELECT 1 AS one FROM (SELECT COUNT(*) AS n FROM meta m WHERE m.key = '{EPOCH}') AS c"  # noqa: S608
        " WHERE n = 0",
    ),
    Rule(
        "The lobby is missing.",
        f"SELECT 1 AS one FROM (SELECT COUNT(*) AS n FROM rooms WHERE id = {LOBBY}) AS c"  # noqa: S608
        " WHERE n = 0",
    ),
    Rule(
        "Room {id}: head is {head}, but its log ends at {top}.",
        "SELECT r.id, r.head, COALESCE(MAX(e.seq), 0) AS top FROM rooms r"
        " LEFT JOIN events e ON e.room_id = r.id GROUP BY r.id, r.head"
        " HAVING COALESCE(MAX(e.seq), 0) <> r.head",
    ),
    Rule(
        "Room {room_id}: its log has gaps: {there} events from {bottom} to {top}.",
        "SELECT room_id, COUNT(*) AS there, MIN(seq) AS bottom, MAX(seq) AS top FROM events"
        " GROUP BY room_id HAVING COUNT(*) <> MAX(seq) OR MIN(seq) <> 1",
    ),
    Rule(
        "Room {id}: counts {members} members, but has {there}.",
        "SELECT r.id, r.members, COUNT(m.user_id) AS there FROM rooms r"
        " LEFT JOIN members m ON m.room_id = r.id AND m.left_at IS NULL"
        " GROUP BY r.id, r.members HAVING COUNT(m.user_id) <> r.members",
    ),
    Rule(
        "Room {room_id}: user {user_id} has read to {read_seq}, beyond its head {head}.",
        "SELECT m.room_id, m.user_id, m.read_seq, r.head FROM members m"
        " JOIN rooms r ON r.id = m.room_id WHERE m.read_seq > r.head OR m.read_seq < 0",
    ),
    Rule(
        "Room {room_id}: user {user_id} joined or left beyond its head {head}.",
        "SELECT m.room_id, m.user_id, r.head FROM members m JOIN rooms r ON r.id = m.room_id"
        " WHERE m.joined_seq > r.head OR m.left_seq > r.head",
    ),
    Rule(
        "User {user_id}: {times} events under one id, the first as {seq} of room {room_id}.",
        "SELECT user_id, COUNT(*) AS times, MIN(seq) AS seq, MIN(room_id) AS room_id FROM events"
        " GROUP BY user_id, client_id HAVING COUNT(*) > 1",
    ),
    Rule(
        "Room {room_id}, event {seq}: refers to event {target_seq}, which does not exist.",
        "SELECT e.room_id, e.seq, e.target_seq FROM events e"
        " LEFT JOIN events t ON t.room_id = e.room_id AND t.seq = e.target_seq"
        " WHERE e.target_seq IS NOT NULL AND t.seq IS NULL",
    ),
    Rule(
        "Room {room_id}, message {seq}: is deleted, but its text is still stored.",
        "SELECT room_id, seq FROM events"  # noqa: S608
        " WHERE deleted_at IS NOT NULL"
        f" AND (body <> '' OR SUBSTR(digest, {KEPT_DIGEST + 1}) <> '')",
    ),
    Rule(
        "Room {room_id}, event {seq}: is an edit of a deleted message, but still has its text.",
        "SELECT e.room_id, e.seq FROM events e"  # noqa: S608
        " JOIN events t ON t.room_id = e.room_id AND t.seq = e.target_seq"
        " WHERE t.deleted_at IS NOT NULL"
        f" AND e.kind = {EventKind.EDIT:d}"
        f" AND (e.body <> '' OR SUBSTR(e.digest, {KEPT_DIGEST + 1}) <> '')",
    ),
    Rule(
        "Room {room_id}, message {seq}: is deleted, but has files still.",
        "SELECT room_id, seq FROM events WHERE deleted_at IS NOT NULL AND files IS NOT NULL",
    ),
    Rule(
        "Room {room_id}, message {seq}: file {id} belongs to it, but it has no files.",
        "SELECT f.room_id, f.seq, f.id FROM files f"  # noqa: S608
        " LEFT JOIN events e ON e.room_id = f.room_id AND e.seq = f.seq"
        f" WHERE f.state = {FileState.BOUND:d} AND e.files IS NULL",
    ),
    Rule(
        "File {file_id}: is in no message of room {room_id}, but its text is still stored.",
        "SELECT t.file_id, t.room_id FROM search_texts t LEFT JOIN files f ON f.id = t.file_id"  # noqa: S608
        f" AND f.state = {FileState.BOUND:d} AND f.room_id = t.room_id AND f.seq = t.seq"
        " WHERE t.text <> '' AND f.id IS NULL",
    ),
    Rule(
        "File {file_id}: is deleted, but nothing will remove its words from the index.",
        "SELECT t.file_id FROM search_texts t WHERE t.text = '' AND NOT EXISTS"
        " (SELECT 1 FROM search_text_queue q WHERE q.file_id = t.file_id AND q.user_id = 0)",
    ),
    Rule(
        "User {name}: picture {picture} is not registered.",
        "SELECT u.name, u.picture FROM users u"  # noqa: S608
        f" LEFT JOIN files f ON f.id = u.picture AND f.state = {FileState.PICTURE:d}"
        " WHERE u.picture IS NOT NULL AND f.id IS NULL",
    ),
    Rule(
        "The logo of the server, {value}, is not registered.",
        "SELECT m.value FROM meta m"  # noqa: S608
        f" LEFT JOIN files f ON f.id = m.value AND f.state = {FileState.PICTURE:d}"
        f" WHERE m.key = '{SERVER_LOGO}' AND f.id IS NULL",
    ),
    *_of_messages("reactions"),
    *_of_messages("mentions"),
    *_of_messages(
        "search",
        "EXISTS (SELECT 1 FROM search_pending p WHERE p.room_id = t.room_id AND p.seq = t.seq)",
    ),
    Rule(
        "Room {room_id}, message {seq}: mentions user {user_id}, who does not exist.",
        "SELECT t.room_id, t.seq, t.user_id FROM mentions t LEFT JOIN users u ON u.id = t.user_id"
        " WHERE t.user_id <> 0 AND u.id IS NULL",
    ),
)

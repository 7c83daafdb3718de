"""Recorded nights: the evidence that time has passed, without which no message is forgotten.

A clock that is wrong by a year would empty every room that keeps messages for a month. So a night
counts only when it follows the one before within a few days, several of them are needed, and each
moves the time up to which messages are counted as old, `upto`, by a bounded step.
"""

from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from chatserver.storage.engine import Database
from chatserver.storage.tables import events, meta, rooms, sessions

DAY = 86_400_000  # milliseconds
SEVERAL = 3  # nights that must follow one another before messages are forgotten
LONGEST_GAP = 3 * DAY  # between two nights that follow one another
STEP = 2 * DAY  # that one night may move `upto`: two, so that it catches up after a downtime
TOLERANCE = 300_000  # ms that the clocks of a node and of the database may differ

NIGHT = meta.c.key == "night"  # when the last one began
EVIDENCE = meta.c.key == "nights"


class NightlyRun(msgspec.Struct, frozen=True):
    """A recorded night. `streak` counts the nights before it that followed one another.

    `upto` is the time (ms) that has passed for certain, as far as these nights tell.
    """

    streak: int
    upto: int

    @property
    def may_forget(self) -> bool:
        return self.streak + 1 >= SEVERAL


class LastRun(msgspec.Struct, frozen=True):
    """When the last night began (ms), if there was one, and what is known since."""

    began: int | None
    night: NightlyRun | None


async def record_run(
    database: Database, *, before: int, now: int, jumped: bool, newest: int | None
) -> NightlyRun | None:
    """Record a night that begins now, unless the last one began at or after `before`.

    One node of several gets it; None for the others. A night in the future does not count: the
    clock was wrong then, or is wrong now. `jumped`: the clock was set since the last night.
    `newest` is the time of the newest event when this server started (see `newest_event`).
    """

    def work(connection: Connection) -> NightlyRun | None:
        last, known = _read(connection)
        if last is not None and before <= last <= now + TOLERANCE:
            return None
        follows = last is not None and not jumped and 0 <= now - last <= LONGEST_GAP
        first = NightlyRun(0, now if newest is None else min(now, newest))
        night = _next(known or first, now, follows=follows)
        return night if _claim(connection, last, now, night) else None

    return await database.transaction(work)


def _next(known: NightlyRun, now: int, *, follows: bool) -> NightlyRun:
    if not follows:
        return NightlyRun(0, known.upto)
    night = NightlyRun(known.streak + 1, known.upto)
    return replace(night, upto=min(now, night.upto + STEP)) if night.may_forget else night


def _claim(connection: Connection, last: int | None, now: int, night: NightlyRun) -> bool:
    if last is None:
        connection.execute(meta.insert().values(key="night", value=str(now)))
    else:
        mine = meta.update().where(NIGHT, meta.c.value == str(last)).values(value=str(now))
        if connection.execute(mine).rowcount != 1:
            return False
    connection.execute(meta.delete().where(EVIDENCE))
    value = msgspec.json.encode(night).decode()
    connection.execute(meta.insert().values(key="nights", value=value))
    return True


def _read(connection: Connection) -> tuple[int | None, NightlyRun | None]:
    began = connection.scalar(sa.select(meta.c.value).where(NIGHT))
    known = connection.scalar(sa.select(meta.c.value).where(EVIDENCE))
    night = msgspec.json.decode(known, type=NightlyRun) if known else None
    return (None if began is None else int(began)), night


async def recorded(database: Database) -> LastRun:
    """The last night."""
    async with database.reading() as connection:
        return LastRun(*await connection.run_sync(_read))


async def newest_event(database: Database) -> int | None:
    """When the newest event of any room was stored (ms)."""
    last = sa.and_(events.c.room_id == rooms.c.id, events.c.seq == rooms.c.head)
    query = sa.select(sa.func.max(events.c.at)).select_from(rooms).join(events, last)
    async with database.reading() as connection:
        newest: int | None = await connection.scalar(query)
        return newest


async def newest_session(database: Database) -> int | None:
    """When a session was last opened, renewed or used (ms)."""
    async with database.reading() as connection:
        newest: int | None = await connection.scalar(
            sa.select(sa.func.max(sessions.c.last_seen_at))
        )
        return newest


async def clock_difference(database: Database, now: Callable[[], int]) -> int:
    """By how many ms this clock is ahead of the database's own; 0 for SQLite, which has none."""
    if database.is_sqlite:
        return 0
    before = now()
    async with database.reading() as connection:
        theirs = await connection.scalar(sa.text("SELECT UNIX_TIMESTAMP(NOW(3))"))
    return round((before + now()) / 2 - float(theirs or 0) * 1000)

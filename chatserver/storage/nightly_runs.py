"""Record of nightly runs: evidence that time has passed, required before messages expire.

A clock that is wrong by a year would expire all messages of every room with a retention time. So a
run counts only if it follows the previous one within a few days, several are required, and each
advances the trusted time `trusted_until` by a bounded step.
"""

from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from chatserver.clocks import CLOCK_TOLERANCE, DAY
from chatserver.storage.engine import Database
from chatserver.storage.meta_keys import LAST_NIGHT, NIGHTLY_RUN
from chatserver.storage.tables import events, meta, rooms, sessions

REQUIRED_RUNS = 3  # consecutive runs before messages expire
MAX_GAP = 3 * DAY  # between consecutive runs
MAX_STEP = 2 * DAY  # of `trusted_until` per run: two days, so that it catches up after a downtime

_LAST_NIGHT = meta.c.key == LAST_NIGHT
_NIGHTLY_RUN = meta.c.key == NIGHTLY_RUN


class NightlyRun(msgspec.Struct, frozen=True):
    """A recorded run. `streak` is the number of consecutive runs before it.

    `trusted_until` (ms) has certainly passed according to the recorded runs.
    """

    streak: int
    trusted_until: int = msgspec.field(name="upto")

    @property
    def may_expire(self) -> bool:
        return self.streak + 1 >= REQUIRED_RUNS


class LastRun(msgspec.Struct, frozen=True):
    """Start (ms) and record of the last run, if there was one."""

    began: int | None
    night: NightlyRun | None


async def record_run(
    database: Database, *, before: int, now: int, jumped: bool, newest: int | None
) -> NightlyRun | None:
    """Record a run that starts now, unless the last one started at or after `before`.

    Returns the record on one node, None on all others. A recorded run in the future is ignored,
    because the clock was or is wrong. `jumped`: the clock was set since the last run. `newest` is
    the time (ms) of the newest event when this server started (see `newest_event`).
    """

    def work(connection: Connection) -> NightlyRun | None:
        last, known = _read(connection)
        if last is not None and before <= last <= now + CLOCK_TOLERANCE:
            return None
        follows = last is not None and not jumped and 0 <= now - last <= MAX_GAP
        first = NightlyRun(0, now if newest is None else min(now, newest))
        night = _next(known or first, now, follows=follows)
        return night if _claim(connection, last, now, night) else None

    return await database.transaction(work)


def _next(known: NightlyRun, now: int, *, follows: bool) -> NightlyRun:
    if not follows:
        return NightlyRun(0, known.trusted_until)
    night = NightlyRun(known.streak + 1, known.trusted_until)
    return (
        replace(night, trusted_until=min(now, night.trusted_until + MAX_STEP))
        if night.may_expire
        else night
    )


def _claim(connection: Connection, last: int | None, now: int, night: NightlyRun) -> bool:
    if last is None:
        connection.execute(meta.insert().values(key=LAST_NIGHT, value=str(now)))
    else:
        mine = meta.update().where(_LAST_NIGHT, meta.c.value == str(last)).values(value=str(now))
        if connection.execute(mine).rowcount != 1:
            return False
    connection.execute(meta.delete().where(_NIGHTLY_RUN))
    value = msgspec.json.encode(night).decode()
    connection.execute(meta.insert().values(key=NIGHTLY_RUN, value=value))
    return True


def _read(connection: Connection) -> tuple[int | None, NightlyRun | None]:
    began = connection.scalar(sa.select(meta.c.value).where(_LAST_NIGHT))
    known = connection.scalar(sa.select(meta.c.value).where(_NIGHTLY_RUN))
    night = msgspec.json.decode(known, type=NightlyRun) if known else None
    return (None if began is None else int(began)), night


async def recorded(database: Database) -> LastRun:
    """Return the last run."""
    async with database.reading() as connection:
        return LastRun(*await connection.run_sync(_read))


async def newest_event(database: Database) -> int | None:
    """Return the time (ms) of the newest event of any room."""
    last = sa.and_(events.c.room_id == rooms.c.id, events.c.seq == rooms.c.head)
    query = sa.select(sa.func.max(events.c.at)).select_from(rooms).join(events, last)
    async with database.reading() as connection:
        newest: int | None = await connection.scalar(query)
        return newest


async def newest_session(database: Database) -> int | None:
    """Return the time (ms) when a session was last opened, renewed or used."""
    async with database.reading() as connection:
        newest: int | None = await connection.scalar(
            sa.select(sa.func.max(sessions.c.last_seen_at))
        )
        return newest


async def newest_activity(database: Database) -> int | None:
    """Return the newest of both times (ms)."""
    times = (await newest_event(database), await newest_session(database))
    return max((time for time in times if time is not None), default=None)


async def clock_difference(database: Database, now: Callable[[], int]) -> int:
    """Return by how many ms this clock is ahead of the database's; 0 on SQLite."""
    if database.is_sqlite:
        return 0
    before = now()
    async with database.reading() as connection:
        theirs = await connection.scalar(sa.text("SELECT UNIX_TIMESTAMP(NOW(3))"))
    return round((before + now()) / 2 - float(theirs or 0) * 1000)

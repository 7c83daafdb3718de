"""Clock check of `chatserver doctor`, against all times in the database and the files."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from chatserver.clocks import CLOCK_TOLERANCE, wall
from chatserver.config import Settings
from chatserver.data_dir import DATABASE_FILES, DataDir
from chatserver.storage.engine import Database
from chatserver.storage.nightly_runs import (
    MAX_GAP,
    REQUIRED_RUNS,
    clock_difference,
    newest_event,
    newest_session,
    recorded,
)


async def clock_finding(settings: Settings, now: Callable[[], int] = wall) -> tuple[bool, str]:
    """Return whether the clock seems right, and a sentence; `now` returns milliseconds UTC."""
    database = Database(settings.database_url, read_only=True)
    try:
        difference = await clock_difference(database, now)
        night = (await recorded(database)).began
        seen = {
            "the newest message": await newest_event(database),
            "the newest session": await newest_session(database),
        }
    finally:
        await database.close()
    if abs(difference) > CLOCK_TOLERANCE:
        return False, f"clock: {_ahead(difference)} the database's; no messages expire until then"
    times = dict(_modified(settings)) | {name: at for name, at in seen.items() if at is not None}
    return _compared(now(), times, night)


def _modified(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield the last modification (ms UTC) of the chat's files, with a description."""
    folder = DataDir(settings.data)
    path = folder.path / "chat.db"
    for file in (*folder.files, *(path.with_name(path.name + end) for end in DATABASE_FILES)):
        if file.exists():
            yield f"the newest change of {file.name}", file.stat().st_mtime_ns // 1_000_000


def _compared(now: int, times: dict[str, int], night: int | None) -> tuple[bool, str]:
    what, newest = max(times.items(), key=lambda item: item[1], default=("", now))
    if newest - now > CLOCK_TOLERANCE:
        return False, f"clock: {_ahead(now - newest)} {what}. Correct it"
    last = newest if night is None else night
    if not -CLOCK_TOLERANCE <= now - last <= MAX_GAP:
        return False, (
            f"clock: {_ahead(now - last)} {what if night is None else 'the last nightly run'}."
            f" If the server was not off for that long, the clock is or was wrong: correct it."
            f" Retention resumes after {REQUIRED_RUNS} nights in a row"
        )
    if night is None:
        return True, f"clock: {_shown(now)}; agrees with {what}, and no nightly run is recorded yet"
    return True, "clock: agrees with what the database has recorded"


def _shown(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _ahead(difference: int) -> str:
    """Format milliseconds as `2.0 hours ahead of` or `400 days behind`."""
    hours = abs(difference) / 3_600_000
    size = f"{hours / 24:.0f} days" if hours > 48 else f"{hours:.1f} hours"
    return f"{size} {'ahead of' if difference > 0 else 'behind'}"

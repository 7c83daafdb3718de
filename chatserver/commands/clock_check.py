"""Clock check of `chatserver doctor`, against all times in the database and the files."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from chatserver.clocks import CLOCK_TOLERANCE, wall
from chatserver.commands.findings import Finding
from chatserver.config import Settings
from chatserver.data_dir import DATABASE_FILES, DataDir
from chatserver.storage.engine import Database
from chatserver.storage.nightly_runs import (
    MAX_GAP,
    REQUIRED_RUNS,
    LastRun,
    clock_difference,
    newest_event,
    newest_session,
    recorded,
)


async def clock_finding(settings: Settings, now: Callable[[], int] = wall) -> Finding:
    """Return whether the clock seems right, and a sentence; `now` returns milliseconds UTC.

    None: it is right, and times that were recorded while it was ahead are still in the future.
    """
    database = Database(settings.database_url, read_only=True)
    try:
        difference = await clock_difference(database, now)
        last = await recorded(database)
        seen = {
            "the newest message": await newest_event(database),
            "the newest session": await newest_session(database),
        }
    finally:
        await database.close()
    if abs(difference) > CLOCK_TOLERANCE:
        return False, f"clock: {_ahead(difference)} the database's; no messages expire until then"
    times = dict(_modified(settings)) | {name: at for name, at in seen.items() if at is not None}
    evidence = "" if database.is_sqlite else "the database's clock agrees with this one"
    return _compared(now(), times, last.began, evidence or _nights(last, now()))


def _modified(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield the last modification (ms UTC) of the chat's files, with a description."""
    folder = DataDir(settings.data)
    path = folder.path / "chat.db"
    for file in (*folder.files, *(path.with_name(path.name + end) for end in DATABASE_FILES)):
        if file.exists():
            yield f"the newest change of {file.name}", file.stat().st_mtime_ns // 1_000_000


def _nights(last: LastRun, now: int) -> str:
    """Return evidence for this clock: consecutive nights up to the last one."""
    if last.began is None or last.night is None or not last.night.may_expire:
        return ""
    is_recent = -CLOCK_TOLERANCE <= now - last.began <= MAX_GAP
    return "the last nights agree with this clock" if is_recent else ""


def _compared(now: int, times: dict[str, int], night: int | None, evidence: str) -> Finding:
    """`evidence` that this clock is right, if there is any, completes a sentence."""
    what, newest = max(times.items(), key=lambda item: item[1], default=("", now))
    if night is not None and night > newest:
        what, newest = "the last nightly run", night
    if newest - now > CLOCK_TOLERANCE:
        behind = f"clock: {_ahead(now - newest)} {what}"
        if evidence:
            return None, f"{behind}, which is from a time when the clock was wrong: {evidence}"
        return False, (
            f"{behind}. Correct it, unless it was wrong then and is right now: in that case this"
            f" ends after {REQUIRED_RUNS} nights in a row, when retention resumes"
        )
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

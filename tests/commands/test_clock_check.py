"""Clock check of the doctor, with and without messages."""

import os
from pathlib import Path

import pytest

from chatserver.clocks import DAY, wall
from chatserver.commands.clock_check import clock_finding
from chatserver.config import DatabaseSettings, Settings
from chatserver.models import Session
from chatserver.storage.engine import Database
from chatserver.storage.migrate import migrate
from chatserver.storage.tables import meta
from tests.rig.mariadb import PrivateMariaDB
from tests.storage.conftest import Storage

MADE = 1_800_000_000_000  # ms UTC, in 2027
YEAR_2040 = 2_208_988_800_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


async def make(settings: Settings, *, session_at: int | None = None) -> None:
    """Create a chat with files of the time MADE, and a session created then or later."""
    storage = Storage(settings.database_url)
    await migrate(storage.database, backups=settings.data / "backups")
    if session_at is not None:
        ann = await storage.user("ann")
        session = Session("s", ann, session_at, session_at + 1_000)
        await storage.credentials.open_session(session, client="")
    await storage.database.close()
    for file in settings.data.glob("chat.db*"):
        os.utime(file, (MADE / 1000, MADE / 1000))


@pytest.mark.parametrize(
    ("now", "finding"),
    [
        (MADE, ""),
        (MADE + 2 * DAY, ""),
        (0, "20833 days behind the newest change of chat.db"),
        (YEAR_2040, "4734 days ahead of the newest change of chat.db"),
        (MADE - DAY, "24.0 hours behind the newest change of chat.db"),
    ],
)
async def test_the_clock_is_compared_with_the_files(
    settings: Settings, now: int, finding: str
) -> None:
    await make(settings)
    well, sentence = await clock_finding(settings, lambda: now)
    assert well == (not finding)
    assert finding in sentence


async def test_the_clock_is_compared_with_the_newest_session(settings: Settings) -> None:
    await make(settings, session_at=MADE + DAY)
    well, sentence = await clock_finding(settings, lambda: MADE)
    assert not well
    assert sentence.startswith("clock: 24.0 hours behind the newest session. Correct it, unless")
    assert (await clock_finding(settings, lambda: MADE + DAY))[0]


async def test_future_times_are_a_warning_if_the_clock_of_the_database_agrees(
    mariadb: PrivateMariaDB, tmp_path: Path
) -> None:
    url = mariadb.create_database("clocks")
    settings = Settings(data=tmp_path, database=DatabaseSettings(url=url))
    await make(settings, session_at=wall() + DAY)
    well, sentence = await clock_finding(settings)
    assert well is None
    assert "behind the newest session, which is from a time when the clock was wrong" in sentence


@pytest.mark.parametrize(
    ("streak", "began", "well"),
    [(2, MADE, None), (2, MADE - 4 * DAY, False), (1, MADE, False), (2, MADE + DAY, False)],
)
async def test_future_times_are_a_warning_after_nights_in_a_row(
    settings: Settings, streak: int, began: int, *, well: bool | None
) -> None:
    await make(settings, session_at=MADE + DAY)
    database = Database(settings.database_url)
    night = {"key": "night", "value": str(began)}
    nights = {"key": "nights", "value": f'{{"streak": {streak}, "upto": {MADE}}}'}
    await database.transaction(lambda c: c.execute(meta.insert(), [night, nights]))
    await database.close()
    assert (await clock_finding(settings, lambda: MADE))[0] is well


@pytest.mark.parametrize("name", ["keys.json", "lock", "revocations", "chat.db-wal"])
async def test_each_file_of_the_data_folder_counts(settings: Settings, name: str) -> None:
    await make(settings)
    (settings.data / name).touch()
    os.utime(settings.data / name, ((MADE + DAY) / 1000,) * 2)
    well, sentence = await clock_finding(settings, lambda: MADE)
    assert not well
    assert name in sentence

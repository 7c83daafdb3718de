"""Nightly runs: claims, and how far they allow retention to delete."""

import pytest

from chatserver.clocks import DAY
from chatserver.storage.nightly_runs import (
    MAX_STEP,
    REQUIRED_RUNS,
    NightlyRun,
    clock_difference,
    newest_event,
    record_run,
    recorded,
)
from tests.storage.conftest import Storage, draft

HOUR = DAY // 24
YEAR = 365 * DAY


class Nights:
    """Records one run after the other, each `gap` ms after the previous one."""

    def __init__(self, storage: Storage) -> None:
        self._database = storage.database
        self.now = 1_000 * DAY

    async def __call__(
        self, gap: int = DAY, *, jumped: bool = False, newest: int | None = None
    ) -> NightlyRun | None:
        self.now += gap
        return await record_run(
            self._database,
            before=self.now - HOUR,
            now=self.now,
            jumped=jumped,
            newest=newest,
        )


@pytest.fixture
def nights(storage: Storage) -> Nights:
    return Nights(storage)


async def test_a_night_is_recorded_once(nights: Nights) -> None:
    claims = [await nights(gap) is not None for gap in (0, HOUR // 2, DAY, HOUR // 2)]
    assert claims == [True, False, True, False]


async def test_messages_are_deleted_only_after_several_consecutive_nights(
    nights: Nights,
) -> None:
    recorded_nights = [await nights() for _ in range(REQUIRED_RUNS + 1)]
    assert [night.may_expire for night in recorded_nights if night] == [False, False, True, True]
    assert recorded_nights[-1] == NightlyRun(REQUIRED_RUNS, nights.now)


@pytest.mark.parametrize(("gap", "jumped"), [(YEAR, False), (4 * DAY, False), (DAY, True)])
async def test_a_night_after_an_implausible_interval_deletes_nothing(
    nights: Nights, gap: int, jumped: bool
) -> None:
    for _ in range(REQUIRED_RUNS):
        await nights()
    trusted_until = nights.now
    assert await nights(gap, jumped=jumped) == NightlyRun(0, trusted_until)
    assert await nights() == NightlyRun(1, trusted_until)
    assert await nights() == NightlyRun(2, min(trusted_until + MAX_STEP, nights.now))


async def test_the_deletions_of_one_night_are_limited(nights: Nights) -> None:
    for _ in range(REQUIRED_RUNS):
        await nights()
    trusted_until = nights.now
    await nights(YEAR)
    reached = [(await nights() or NightlyRun(0, 0)).trusted_until - trusted_until for _ in range(5)]
    assert reached == [0, MAX_STEP, 2 * MAX_STEP, 3 * MAX_STEP, 4 * MAX_STEP]


async def test_nights_continue_after_a_wrong_clock(nights: Nights) -> None:
    for _ in range(REQUIRED_RUNS):
        await nights()
    trusted_until = nights.now
    await nights(YEAR)
    assert await nights(DAY - YEAR) == NightlyRun(0, trusted_until)
    await nights()
    assert await nights() == NightlyRun(2, nights.now - DAY)
    assert await nights() == NightlyRun(3, nights.now)
    assert (await nights() or NightlyRun(0, 0)).trusted_until == nights.now


async def test_a_clock_behind_for_one_night_does_not_hold_back_later_ones(
    nights: Nights,
) -> None:
    for _ in range(REQUIRED_RUNS):
        await nights()
    trusted_until = nights.now
    assert await nights(-900 * DAY) == NightlyRun(0, trusted_until)
    assert await nights(901 * DAY) == NightlyRun(0, trusted_until)
    await nights()
    assert (await nights() or NightlyRun(0, 0)).trusted_until > trusted_until


async def test_without_a_record_time_is_trusted_up_to_the_newest_event(
    storage: Storage, nights: Nights
) -> None:
    ann = await storage.user("ann")
    storage.now = nights.now - YEAR
    await storage.log.store([draft(ann, "the last one")])
    newest = await newest_event(storage.database)
    assert newest == storage.now
    assert await nights(newest=newest) == NightlyRun(0, storage.now)


async def test_recorded_nights_can_be_read(storage: Storage, nights: Nights) -> None:
    assert (await recorded(storage.database)).began is None
    night = await nights()
    known = await recorded(storage.database)
    assert (known.began, known.night) == (nights.now, night)


async def test_the_clock_of_a_database_server_is_compared(storage: Storage) -> None:
    import time

    difference = await clock_difference(storage.database, lambda: time.time_ns() // 1_000_000)
    assert abs(difference) < 5_000
    ahead = await clock_difference(storage.database, lambda: time.time_ns() // 1_000_000 + YEAR)
    assert abs(ahead - (0 if storage.database.is_sqlite else YEAR)) < 5_000

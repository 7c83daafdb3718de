"""Time that has certainly come."""

import pytest

from chatserver.clocks import DAY, CautiousClock


class Clocks:
    """The clocks of a machine, and the newest time in the database."""

    def __init__(self, *, now: int, newest: int | None) -> None:
        self.wall, self.seconds, self.stored = now, 50.0, newest

    async def newest(self) -> int | None:
        return self.stored

    def cautious(self) -> CautiousClock:
        return CautiousClock(lambda: self.wall, self.newest, clock=lambda: self.seconds)

    def pass_days(self, days: int) -> None:
        self.wall += days * DAY
        self.seconds += days * DAY / 1000


@pytest.mark.parametrize(
    ("now", "newest", "expected"),
    [
        (10 * DAY, 10 * DAY, 11 * DAY),
        (10 * DAY, 8 * DAY, 9 * DAY),  # the server was stopped, or the clock is ahead
        (10 * DAY, 12 * DAY, 11 * DAY),  # the clock was ahead
        (10 * DAY, None, 11 * DAY),
    ],
)
async def test_time_passes_from_the_newest_entry_on(
    now: int, newest: int | None, expected: int
) -> None:
    clocks = Clocks(now=now, newest=newest)
    cautious = clocks.cautious()
    assert await cautious.now() == expected - DAY
    clocks.pass_days(1)
    assert await cautious.now() == expected


@pytest.mark.parametrize(("jump", "expected"), [(400, 11), (-5, 6)])
async def test_a_clock_that_is_set_ahead_brings_nothing_forward(jump: int, expected: int) -> None:
    clocks = Clocks(now=10 * DAY, newest=10 * DAY)
    cautious = clocks.cautious()
    await cautious.now()
    clocks.pass_days(1)
    clocks.wall += jump * DAY
    assert await cautious.now() == expected * DAY

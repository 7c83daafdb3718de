"""Rate limits."""

import pytest

from chatserver.errors import RateLimited
from chatserver.limits import FORGET_ABOVE, Rate
from tests.fakes import FakeClock

HOUR = 3_600


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def refused(rate: Rate, key: object = "ann") -> float:
    """Return the seconds to wait; the use must be rejected."""
    with pytest.raises(RateLimited) as refusal:
        rate.take(key)
    return refusal.value.retry_after


# Rate --------------------------------------------------------------------------------------------


def test_a_burst_is_accepted_and_the_next_use_is_rejected(clock: FakeClock) -> None:
    rate = Rate(5, 20, clock)
    for _ in range(20):
        rate.take("ann")
    assert refused(rate) == 0.2


def test_charges_delay_the_next_uses(clock: FakeClock) -> None:
    rate = Rate(5, 20, clock)
    rate.take("ann")
    rate.charge("ann", 29)
    assert refused(rate) == 2.2
    rate.take("bo")
    clock.advance(2.2)
    rate.take("ann")


def test_of_large_requests_taken_at_the_same_time_one_is_allowed(clock: FakeClock) -> None:
    rate = Rate(5, 20, clock)
    for _ in range(3):
        rate.take("ann")
    rate.take_more("ann", 50)
    for _ in range(2):
        with pytest.raises(RateLimited) as refusal:
            rate.take_more("ann", 50)
        assert refusal.value.retry_after == pytest.approx((53 - 20) / 5)
    rate.take_more("bo", 50)
    clock.advance(6.6)
    rate.take_more("ann", 1)


def test_the_sustained_rate_is_limited(clock: FakeClock) -> None:
    rate = Rate(5, 20, clock)
    passed = 0
    for _ in range(1_000):  # ten seconds
        try:
            rate.take("ann")
            passed += 1
        except RateLimited:
            pass
        clock.advance(0.01)
    assert passed == 20 + 5 * 10 - 1


def test_retry_after_is_exact_to_the_millisecond(clock: FakeClock) -> None:
    rate = Rate(5, 20, clock)
    for _ in range(20):
        rate.take("ann")
    clock.advance(0.15)
    wait = refused(rate)
    assert wait == 0.05
    clock.advance(wait - 0.001)
    assert refused(rate) == 0.001
    clock.advance(0.001)
    rate.take("ann")


def test_a_rejected_use_is_not_counted(clock: FakeClock) -> None:
    rate = Rate(1, 1, clock)
    rate.take("ann")
    for _ in range(100):
        assert refused(rate) == 1.0
    clock.advance(1.0)
    rate.take("ann")


def test_a_rest_restores_the_whole_burst_and_no_more(clock: FakeClock) -> None:
    rate = Rate(5, 20, clock)
    for _ in range(2):
        for _ in range(20):
            rate.take("ann")
        refused(rate)
        clock.advance(HOUR)


def test_keys_are_independent(clock: FakeClock) -> None:
    rate = Rate(1, 1, clock)
    rate.take("ann")
    refused(rate)
    rate.take("bo")


def test_a_forgotten_key_has_a_full_burst(clock: FakeClock) -> None:
    rate = Rate(1, 1, clock)
    rate.take("ann")
    rate.forget("ann")
    rate.take("ann")
    rate.forget("nobody")


def test_idle_keys_are_dropped_and_busy_ones_kept(clock: FakeClock) -> None:
    rate = Rate(1, 1, clock)
    for number in range(3 * FORGET_ABOVE):
        rate.take(number)
        clock.advance(0.001)
    rate.take("ann")
    rate.take("bo")
    assert len(rate._drained_at) <= FORGET_ABOVE + 2
    refused(rate, "ann")


@pytest.mark.timeout(5)
def test_the_cost_of_a_use_does_not_grow_with_the_number_of_keys(clock: FakeClock) -> None:
    rate = Rate(1 / 60, 30, clock)
    for number in range(5 * FORGET_ABOVE):
        rate.take(number)

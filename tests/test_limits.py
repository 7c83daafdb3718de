"""Rate limits, and slowing of password guessing without locking out users."""

import pytest

from chatserver.errors import RateLimited
from chatserver.limits import DELAY_CAP, FORGET_ABOVE, Rate, SignInGuard
from tests.fakes import FakeClock

HOUR = 3_600
OWN, STRANGE = "192.0.2.1", "203.0.113.{}"


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


# Signing in --------------------------------------------------------------------------------------


@pytest.fixture
def guard(clock: FakeClock) -> SignInGuard:
    return SignInGuard(per_account=10, per_address=30, clock=clock)


def fail(guard: SignInGuard, account: str, address: str) -> None:
    guard.attempt(account, address)
    guard.failed(account, address)


def wait(guard: SignInGuard, account: str, address: str) -> float:
    """Return the seconds that the next attempt would have to wait."""
    with pytest.raises(RateLimited) as refusal:
        guard.attempt(account, address)
    return refusal.value.retry_after


def guess(
    guard: SignInGuard, clock: FakeClock, *, seconds: int, addresses: int = 1_000, account: str
) -> int:
    """Guess ten times a second, each time from another address; return the accepted attempts."""
    heard = 0
    for number in range(seconds * 10):
        try:
            fail(guard, account, STRANGE.format(number % addresses))
            heard += 1
        except RateLimited:
            pass
        clock.advance(0.1)
    return heard


def test_a_few_failures_cause_no_delay(guard: SignInGuard) -> None:
    for _ in range(3):
        fail(guard, "ann", OWN)
    guard.attempt("ann", OWN)
    guard.succeeded("ann", OWN)


def test_each_further_failure_doubles_the_delay_up_to_a_minute(
    guard: SignInGuard, clock: FakeClock
) -> None:
    waits = []
    for _ in range(12):
        try:
            guard.attempt("ann", OWN)
            waits.append(0.0)
        except RateLimited as refusal:
            waits.append(refusal.retry_after)
            clock.advance(refusal.retry_after)
            guard.attempt("ann", OWN)
        guard.failed("ann", OWN)
    assert waits == [0, 0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60]


def test_guessing_from_many_addresses_is_limited_to_about_once_a_minute(
    guard: SignInGuard, clock: FakeClock
) -> None:
    assert guess(guard, clock, seconds=HOUR, account="ann") <= 70
    assert guess(guard, clock, seconds=HOUR, account="ann") <= HOUR / DELAY_CAP


def test_the_owner_can_sign_in_from_a_trusted_address_during_guessing(
    guard: SignInGuard, clock: FakeClock
) -> None:
    guard.attempt("ann", OWN)
    guard.succeeded("ann", OWN)
    guess(guard, clock, seconds=300, account="ann")
    assert wait(guard, "ann", STRANGE.format(7)) <= DELAY_CAP
    guard.attempt("ann", OWN)


def test_guessing_from_a_trusted_address_is_limited_too(
    guard: SignInGuard, clock: FakeClock
) -> None:
    guard.succeeded("ann", OWN)
    for _ in range(4):
        fail(guard, "ann", OWN)
    assert wait(guard, "ann", OWN) == 2.0


def test_the_delay_ends_without_further_failures(guard: SignInGuard, clock: FakeClock) -> None:
    guess(guard, clock, seconds=HOUR, account="ann")
    clock.advance(DELAY_CAP)
    guard.attempt("ann", "198.51.100.9")
    guard.succeeded("ann", "198.51.100.9")
    guard.attempt("ann", OWN)


def test_the_right_password_ends_the_delay_of_its_account(
    guard: SignInGuard, clock: FakeClock
) -> None:
    for _ in range(4):
        fail(guard, "ann", OWN)
    clock.advance(2.0)
    guard.attempt("ann", OWN)
    guard.succeeded("ann", OWN)
    guard.attempt("ann", STRANGE.format(1))


def test_attempts_of_one_address_on_many_accounts_are_limited(
    guard: SignInGuard, clock: FakeClock
) -> None:
    for number in range(30):
        fail(guard, f"person{number}", OWN)
    assert wait(guard, "person31", OWN) == 2.0
    guard.attempt("person31", STRANGE.format(1))


def test_guessing_one_account_does_not_delay_others(guard: SignInGuard, clock: FakeClock) -> None:
    guess(guard, clock, seconds=60, account="ann")
    guard.attempt("bo", OWN)


def test_concurrent_guesses_are_limited_per_account(guard: SignInGuard) -> None:
    heard = 0
    for number in range(1_000):
        try:
            guard.attempt("ann", STRANGE.format(number))
            heard += 1
        except RateLimited:
            pass
    assert heard == 10


def test_a_thousand_failures_keep_the_maximum_delay(guard: SignInGuard, clock: FakeClock) -> None:
    for number in range(1_100):
        fail(guard, "ann", STRANGE.format(number))
        clock.advance(DELAY_CAP)
    fail(guard, "ann", OWN)
    assert wait(guard, "ann", OWN) == DELAY_CAP


def test_invented_names_do_not_fill_the_memory(guard: SignInGuard, clock: FakeClock) -> None:
    for number in range(3 * FORGET_ABOVE):
        fail(guard, f"person{number}", f"2001:db8::{number:x}")
        clock.advance(1)
    for number in range(FORGET_ABOVE + 10):
        guard.succeeded(f"person{number}", OWN)
    assert len(guard._failures) <= FORGET_ABOVE + 1
    assert len(guard._trusted) <= FORGET_ABOVE + 1


def test_recent_trusted_addresses_are_kept(guard: SignInGuard, clock: FakeClock) -> None:
    for number in range(FORGET_ABOVE + 10):
        guard.succeeded(f"person{number}", OWN)
    assert (f"person{FORGET_ABOVE}", OWN) in guard._trusted
    assert ("person0", OWN) not in guard._trusted

"""Password guessing is slowed down without locking out users."""

import pytest

from chatserver.accounts.login_guard import DELAY_CAP, REMEMBERED, LoginGuard
from chatserver.errors import RateLimited
from tests.fakes import FakeClock

HOUR = 3_600
OWN, STRANGE = "192.0.2.1", "203.0.113.{}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def guard(clock: FakeClock) -> LoginGuard:
    return LoginGuard(per_account=10, per_address=30, clock=clock)


def fail(guard: LoginGuard, account: str, address: str) -> None:
    guard.attempt(account, address)
    guard.failed(account, address)


def wait(guard: LoginGuard, account: str, address: str) -> float:
    """Return the seconds that the next attempt would have to wait."""
    with pytest.raises(RateLimited) as refusal:
        guard.attempt(account, address)
    return refusal.value.retry_after


def guess(
    guard: LoginGuard, clock: FakeClock, *, seconds: int, addresses: int = 1_000, account: str
) -> int:
    """Guess ten times a second, each time from another address; return the accepted attempts."""
    accepted = 0
    for number in range(seconds * 10):
        try:
            fail(guard, account, STRANGE.format(number % addresses))
            accepted += 1
        except RateLimited:
            pass
        clock.advance(0.1)
    return accepted


def test_a_few_failures_cause_no_delay(guard: LoginGuard) -> None:
    for _ in range(3):
        fail(guard, "ann", OWN)
    guard.attempt("ann", OWN)
    guard.succeeded("ann", OWN)


def test_each_further_failure_doubles_the_delay_up_to_a_minute(
    guard: LoginGuard, clock: FakeClock
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
    guard: LoginGuard, clock: FakeClock
) -> None:
    assert guess(guard, clock, seconds=HOUR, account="ann") <= 70
    assert guess(guard, clock, seconds=HOUR, account="ann") <= HOUR / DELAY_CAP


def test_the_owner_can_log_in_from_a_trusted_address_during_guessing(
    guard: LoginGuard, clock: FakeClock
) -> None:
    guard.attempt("ann", OWN)
    guard.succeeded("ann", OWN)
    guess(guard, clock, seconds=300, account="ann")
    assert wait(guard, "ann", STRANGE.format(7)) <= DELAY_CAP
    guard.attempt("ann", OWN)


def test_guessing_from_a_trusted_address_is_limited_too(
    guard: LoginGuard, clock: FakeClock
) -> None:
    guard.succeeded("ann", OWN)
    for _ in range(4):
        fail(guard, "ann", OWN)
    assert wait(guard, "ann", OWN) == 2.0


def test_the_delay_ends_without_further_failures(guard: LoginGuard, clock: FakeClock) -> None:
    guess(guard, clock, seconds=HOUR, account="ann")
    clock.advance(DELAY_CAP)
    guard.attempt("ann", "198.51.100.9")
    guard.succeeded("ann", "198.51.100.9")
    guard.attempt("ann", OWN)


def test_the_right_password_ends_the_delay_of_its_account(
    guard: LoginGuard, clock: FakeClock
) -> None:
    for _ in range(4):
        fail(guard, "ann", OWN)
    clock.advance(2.0)
    guard.attempt("ann", OWN)
    guard.succeeded("ann", OWN)
    guard.attempt("ann", STRANGE.format(1))


def test_attempts_of_one_address_on_many_accounts_are_limited(
    guard: LoginGuard, clock: FakeClock
) -> None:
    for number in range(30):
        fail(guard, f"person{number}", OWN)
    assert wait(guard, "person31", OWN) == 2.0
    guard.attempt("person31", STRANGE.format(1))


def test_guessing_one_account_does_not_delay_others(guard: LoginGuard, clock: FakeClock) -> None:
    guess(guard, clock, seconds=60, account="ann")
    guard.attempt("bo", OWN)


def test_concurrent_guesses_are_limited_per_account(guard: LoginGuard) -> None:
    accepted = 0
    for number in range(1_000):
        try:
            guard.attempt("ann", STRANGE.format(number))
            accepted += 1
        except RateLimited:
            pass
    assert accepted == 10


def test_a_thousand_failures_keep_the_maximum_delay(guard: LoginGuard, clock: FakeClock) -> None:
    for number in range(1_100):
        fail(guard, "ann", STRANGE.format(number))
        clock.advance(DELAY_CAP)
    fail(guard, "ann", OWN)
    assert wait(guard, "ann", OWN) == DELAY_CAP


def test_invented_names_do_not_fill_the_memory(guard: LoginGuard, clock: FakeClock) -> None:
    for number in range(3 * REMEMBERED):
        fail(guard, f"person{number}", f"2001:db8::{number:x}")
        clock.advance(1)
    for number in range(REMEMBERED + 10):
        guard.succeeded(f"person{number}", OWN)
    assert len(guard._failures) <= REMEMBERED + 1
    assert len(guard._trusted) <= REMEMBERED + 1


def test_recent_trusted_addresses_are_kept(guard: LoginGuard, clock: FakeClock) -> None:
    for number in range(REMEMBERED + 10):
        guard.succeeded(f"person{number}", OWN)
    assert (f"person{REMEMBERED}", OWN) in guard._trusted
    assert ("person0", OWN) not in guard._trusted

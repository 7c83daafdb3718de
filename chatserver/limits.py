"""Rate limits: GCRA (ITU-T I.371), one number per key. Pure; the clock is passed in.

Owns the recent usage of every key. Times are seconds of a monotonic clock.
"""

from collections import Counter
from collections.abc import Callable, Hashable

from chatserver.errors import RateLimited

FORGET_ABOVE = 10_000  # keys; beyond that idle ones are dropped
DELAY_CAP = 60.0  # seconds; maximum delay after failed sign-ins
FREE_FAILURES = 3  # wrong passwords without a delay

Clock = Callable[[], float]


class Rate:
    """At most `burst` uses at once and `per_second` sustained, for each key."""

    def __init__(self, per_second: float, burst: float, clock: Clock) -> None:
        self._interval = 1 / per_second
        self._tolerance = burst * self._interval
        self._clock = clock
        self._drained_at: dict[Hashable, float] = {}  # when a key's uses have drained
        self._forget_above = FORGET_ABOVE

    def take(self, key: Hashable) -> None:
        """Count one use. Raises RateLimited without counting it."""
        now = self._clock()
        start = max(self._drained_at.get(key, now), now)
        following = start + self._interval
        if following - now > self._tolerance + 1e-9:
            raise RateLimited(following - now - self._tolerance)
        self._drained_at[key] = following
        if len(self._drained_at) > self._forget_above:
            self._forget_drained(now)

    def charge(self, key: Hashable, count: float) -> None:
        """Count additional uses, which delay the next ones. Never raises."""
        now = self._clock()
        self._drained_at[key] = max(self._drained_at.get(key, now), now) + count * self._interval

    def forget(self, key: Hashable) -> None:
        """Drop the usage of a key."""
        self._drained_at.pop(key, None)

    def _forget_drained(self, now: float) -> None:
        self._drained_at = {key: at for key, at in self._drained_at.items() if at > now}
        self._forget_above = max(FORGET_ABOVE, 2 * len(self._drained_at))


class SignInGuard:
    """Slows down password guessing without locking out the user.

    Every attempt counts for its address. Failures count for the account too, and each further
    failure doubles the delay, up to DELAY_CAP. An address from which the account has signed in
    before is not delayed by failures from other addresses.
    """

    def __init__(self, *, per_account: float, per_address: float, clock: Clock) -> None:
        """Both rates are per minute."""
        self._clock = clock
        self._addresses = Rate(per_address / 60, per_address, clock)
        self._accounts = Rate(per_account / 60, per_account, clock)
        self._failures: dict[Hashable, tuple[int, float]] = {}  # count, and end of the delay
        self._trusted: dict[tuple[Hashable, str], None] = {}
        self.counts = Counter(attempted=0, failed=0, succeeded=0)

    def attempt(self, account: Hashable, address: str) -> None:
        """Count an attempt before the password is verified. Raises RateLimited."""
        self.counts["attempted"] += 1
        self._addresses.take(address)
        key = self._key(account, address)
        wait = self._failures.get(key, (0, 0.0))[1] - self._clock()
        if wait > 0:
            raise RateLimited(wait)
        self._accounts.take(key)

    def failed(self, account: Hashable, address: str) -> None:
        """Count a wrong password."""
        self.counts["failed"] += 1
        key = self._key(account, address)
        count = self._failures.get(key, (0, 0.0))[0] + 1
        doublings = min(count - FREE_FAILURES, 10)
        delay = min(2.0**doublings, DELAY_CAP) if doublings > 0 else 0.0
        self._failures.pop(key, None)  # it becomes the newest one
        if len(self._failures) > FORGET_ABOVE:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = (count, self._clock() + delay)

    def succeeded(self, account: Hashable, address: str) -> None:
        """Trust this address for the account from now on."""
        self.counts["succeeded"] += 1
        self._failures.pop(self._key(account, address), None)
        if len(self._trusted) > FORGET_ABOVE:
            del self._trusted[next(iter(self._trusted))]
        self._trusted[account, address] = None

    def _key(self, account: Hashable, address: str) -> Hashable:
        return (account, address) if (account, address) in self._trusted else account

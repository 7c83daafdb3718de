"""How fast is too fast: GCRA (ITU-T I.371), one number a key. Pure; the clock is passed in.

Owns the memory of who did how much lately. Times are seconds of a monotonic clock.
"""

from collections import Counter
from collections.abc import Callable, Hashable

from chatserver.errors import RateLimited

FORGET_ABOVE = 10_000  # keys; beyond that those at rest are dropped
DELAY_CAP = 60.0  # seconds that a guessed account makes a stranger wait at most
FREE_FAILURES = 3  # wrong passwords that cost no more than right ones

Clock = Callable[[], float]


class Rate:
    """At most `burst` at once and `per_second` in the long run, for each key."""

    def __init__(self, per_second: float, burst: float, clock: Clock) -> None:
        self._interval = 1 / per_second
        self._tolerance = burst * self._interval
        self._clock = clock
        self._full_at: dict[Hashable, float] = {}  # when a key's bucket will be empty again
        self._forget_above = FORGET_ABOVE

    def take(self, key: Hashable) -> None:
        """Count one use. Raises RateLimited, and then counts nothing."""
        now = self._clock()
        start = max(self._full_at.get(key, now), now)
        following = start + self._interval
        if following - now > self._tolerance + 1e-9:
            raise RateLimited(following - now - self._tolerance)
        self._full_at[key] = following
        if len(self._full_at) > self._forget_above:
            self._forget_rested(now)

    def charge(self, key: Hashable, count: float) -> None:
        """Count more uses of what was taken, which the next ones wait for. Never refused."""
        now = self._clock()
        self._full_at[key] = max(self._full_at.get(key, now), now) + count * self._interval

    def forget(self, key: Hashable) -> None:
        """This key will not come again."""
        self._full_at.pop(key, None)

    def _forget_rested(self, now: float) -> None:
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        self._forget_above = max(FORGET_ABOVE, 2 * len(self._full_at))


class SignInGuard:
    """Slows down guessing without ever locking anybody out.

    Every attempt counts for its address. Failures count for the account too, and each further one
    doubles the wait up to a minute. An address from which the account has signed in before does
    not wait for the failures of strangers.
    """

    def __init__(self, *, per_account: float, per_address: float, clock: Clock) -> None:
        """Both rates are per minute."""
        self._clock = clock
        self._addresses = Rate(per_address / 60, per_address, clock)
        self._accounts = Rate(per_account / 60, per_account, clock)
        self._failures: dict[Hashable, tuple[int, float]] = {}  # how many, and until when to wait
        self._trusted: dict[tuple[Hashable, str], None] = {}
        self.counts = Counter(attempted=0, failed=0, succeeded=0)

    def attempt(self, account: Hashable, address: str) -> None:
        """Before the password is looked at. Raises RateLimited."""
        self.counts["attempted"] += 1
        self._addresses.take(address)
        who = self._who(account, address)
        wait = self._failures.get(who, (0, 0.0))[1] - self._clock()
        if wait > 0:
            raise RateLimited(wait)
        self._accounts.take(who)

    def failed(self, account: Hashable, address: str) -> None:
        """The password was wrong."""
        self.counts["failed"] += 1
        who = self._who(account, address)
        count = self._failures.get(who, (0, 0.0))[0] + 1
        doublings = min(count - FREE_FAILURES, 10)
        delay = min(2.0**doublings, DELAY_CAP) if doublings > 0 else 0.0
        self._failures.pop(who, None)  # it becomes the newest one
        if len(self._failures) > FORGET_ABOVE:
            del self._failures[next(iter(self._failures))]
        self._failures[who] = (count, self._clock() + delay)

    def succeeded(self, account: Hashable, address: str) -> None:
        """The password was right: this address is known to belong to the account."""
        self.counts["succeeded"] += 1
        self._failures.pop(self._who(account, address), None)
        if len(self._trusted) > FORGET_ABOVE:
            del self._trusted[next(iter(self._trusted))]
        self._trusted[account, address] = None

    def _who(self, account: Hashable, address: str) -> Hashable:
        return (account, address) if (account, address) in self._trusted else account

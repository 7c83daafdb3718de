"""Slows down password guessing without locking out users. Pure; the clock is passed in.

Owns recent failures, and the addresses from which accounts have logged in.
"""

from collections import Counter
from collections.abc import Hashable

from chatserver.errors import RateLimited
from chatserver.limits import Clock, Rate

DELAY_CAP = 60.0  # seconds; maximum delay after failed logins
FREE_FAILURES = 3  # wrong passwords without a delay
REMEMBERED = 10_000  # accounts with failures, and trusted addresses; beyond that the oldest go


class LoginGuard:
    """Slows down password guessing without locking out the user.

    Every attempt counts for its address. Failures count for the account too, and each further
    failure doubles the delay, up to DELAY_CAP. An address from which the account has logged in
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
        if len(self._failures) > REMEMBERED:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = (count, self._clock() + delay)

    def succeeded(self, account: Hashable, address: str) -> None:
        """Trust this address for the account from now on."""
        self.counts["succeeded"] += 1
        self._failures.pop(self._key(account, address), None)
        if len(self._trusted) > REMEMBERED:
            del self._trusted[next(iter(self._trusted))]
        self._trusted[account, address] = None

    def _key(self, account: Hashable, address: str) -> Hashable:
        return (account, address) if (account, address) in self._trusted else account

"""Rate limits: GCRA (ITU-T I.371), one number per key. Pure; the clock is passed in.

Owns the recent usage of every key. Times are seconds of a monotonic clock.
"""

from collections.abc import Callable, Hashable

from chatserver.errors import RateLimited

FORGET_ABOVE = 10_000  # keys; beyond that idle ones are dropped

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

    def take_more(self, key: Hashable, count: float) -> None:
        """Count additional uses of a request that was taken; they may exceed the burst.

        Raises RateLimited if earlier uses already exceed it: otherwise requests that were taken at
        the same time would all be allowed.
        """
        now = self._clock()
        excess = self._drained_at.get(key, now) - now - self._tolerance
        if excess > 1e-9:
            raise RateLimited(excess)
        self.charge(key, count)

    def forget(self, key: Hashable) -> None:
        """Drop the usage of a key."""
        self._drained_at.pop(key, None)

    def _forget_drained(self, now: float) -> None:
        self._drained_at = {key: at for key, at in self._drained_at.items() if at > now}
        self._forget_above = max(FORGET_ABOVE, 2 * len(self._drained_at))

"""Delivery of push messages: requests to push services, and what their answers mean.

A message waits without its content: before each try, `push/contents.py` reads whether it may still
be sent, and what it says. It is tried again only if the service has certainly not accepted it:
without a connection, or after an answer that says so. Owns the messages that wait; a restart loses
them.
"""

import asyncio
import hashlib
import logging
import ssl
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import aiohttp

from chatserver.errors import ChatServerError
from chatserver.push.encryption import decode_base64, encode_base64, encrypt
from chatserver.push.endpoints import EndpointRules
from chatserver.push.resolver import PublicResolver
from chatserver.push.vapid import Vapid
from chatserver.storage.push_targets import OwnedTarget, PushTargets

CALL_TTL, OTHER_TTL = 86_400, 14_400  # seconds for which a service keeps a message
TIMEOUT = aiohttp.ClientTimeout(total=20.0, connect=8.0)
NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
PER_SERVICE = 10  # requests to one service at the same time
MAX_PENDING = 5_000  # messages for one service; further ones are dropped
MAX_AGE = 600.0  # seconds after which a message is dropped
TRIES = 3
RETRY_DELAYS = (30.0, 120.0)  # seconds before the second and the third try
MAX_FAILURES = 20  # in a row, after which a target is removed
TOPIC_CHARS = 32  # RFC 8030, 5.4: the most that is allowed

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What became of a message."""

    ACCEPTED = "accepted"
    GONE = "gone"  # the service does not know the target any more
    ENDED = "ended"  # the session of the target has ended
    READ = "read"  # while the message waited, or the user looks at a page now
    WITHDRAWN = "withdrawn"  # deleted, or the user has left the room or wants it no more
    REFUSED = "refused"  # by the service, or the operator allows the service no more
    UNREACHABLE = "unreachable"  # no connection, or a busy service
    UNANSWERED = "unanswered"  # the service may have accepted it
    DROPPED = "dropped"  # too many were waiting, or it waited for too long


@dataclass(frozen=True, slots=True)
class Push:
    """A message for a target. `room`: 0 for a test; `seqs`: of the chat messages, in order."""

    key: str
    user_id: int
    service: str  # as in PushTarget
    room: int = 0
    seqs: tuple[int, ...] = ()
    at: float = 0.0  # monotonic s, when it was queued
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """What is sent now, and to which target. `is_call`: a direct message, a mention or a test."""

    owned: OwnedTarget
    body: bytes
    is_call: bool


def push_to(owned: OwnedTarget, *, room: int = 0, seqs: tuple[int, ...] = ()) -> Push:
    """Return a message for a target, by default a test."""
    target = owned.target
    return Push(target.key, owned.user_id, target.service, room, seqs)


class Delivery:
    """Sends messages, a few at a time to each service, and retries."""

    def __init__(
        self,
        targets: PushTargets,
        vapid: Vapid,
        rules: EndpointRules,
        *,
        contents: Callable[[Push], Awaitable[Contents | Outcome]],
        epoch: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        """`contents` returns what a message says now, or why it is not sent.

        `epoch`: of the log; `clock` returns monotonic seconds.
        """
        self._targets = targets
        self._vapid = vapid
        self._rules = rules
        self._contents = contents
        self._epoch = epoch
        self._clock = clock
        self.tls: ssl.SSLContext | None = None  # made for the first request
        self._http: aiohttp.ClientSession | None = None
        self._waiting: dict[str, deque[Push]] = {}  # by service
        self._running: Counter[str] = Counter()  # requests, by service
        self._pending: Counter[str] = Counter()  # waiting, running and to be retried, by service
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[Push, asyncio.TimerHandle] = {}
        self.outcomes: Counter[Outcome] = Counter()

    @property
    def pending(self) -> int:
        """Number of messages that are not delivered yet."""
        return self._pending.total()

    def queue(self, push: Push) -> None:
        """Send a message when it is its turn, or drop it if too many wait for the service."""
        if self._pending[push.service] >= MAX_PENDING:
            self.outcomes[Outcome.DROPPED] += 1
            return
        self._pending[push.service] += 1
        self._enqueue(replace(push, at=self._clock()))

    def _enqueue(self, push: Push) -> None:
        self._timers.pop(push, None)
        self._waiting.setdefault(push.service, deque()).append(push)
        self._start_next(push.service)

    def _start_next(self, service: str) -> None:
        waiting = self._waiting.get(service, deque())
        while waiting and self._running[service] < PER_SERVICE:
            self._running[service] += 1
            task = asyncio.create_task(self._work(waiting.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not waiting:
            self._waiting.pop(service, None)

    async def _work(self, push: Push) -> None:
        try:
            outcome, retry_after = await self._try(push)
        except ChatServerError:  # the target cannot be read
            outcome, retry_after = Outcome.UNREACHABLE, 0.0
        except Exception:
            logger.exception("a push failed")
            outcome, retry_after = Outcome.REFUSED, 0.0
        self._running[push.service] -= 1
        if outcome is not Outcome.UNREACHABLE or not self._retry(push, retry_after):
            self._pending[push.service] -= 1
            self._pending += Counter()  # without services that have none
            self.outcomes[outcome] += 1
        self._start_next(push.service)

    def _retry(self, push: Push, retry_after: float) -> bool:
        """Send a message again later; return False if that would be too often or too late."""
        if push.tries + 1 >= TRIES:
            return False
        delay = max(retry_after, RETRY_DELAYS[push.tries])
        if self._clock() + delay - push.at > MAX_AGE:
            return False
        again = replace(push, tries=push.tries + 1)
        loop = asyncio.get_running_loop()
        self._timers[again] = loop.call_later(delay, self._enqueue, again)
        return True

    async def _try(self, push: Push) -> tuple[Outcome, float]:
        if self._clock() - push.at > MAX_AGE:
            return Outcome.DROPPED, 0.0
        return await self.send(push)

    async def send(self, push: Push) -> tuple[Outcome, float]:
        """Send a message now; return the outcome, and the seconds that the service asks to wait.

        Raises Unavailable if the database cannot be read.
        """
        contents = await self._contents(push)
        if isinstance(contents, Outcome):
            return contents, 0.0
        if not self._rules.allows(contents.owned.target.endpoint):
            return Outcome.REFUSED, 0.0
        try:
            status, retry_after = await self._request(contents, push.room)
        except NOT_CONNECTED as error:
            logger.debug("%s cannot be reached: %s", push.service, type(error).__name__)
            return Outcome.UNREACHABLE, 0.0
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            logger.debug("%s has not answered: %s", push.service, type(error).__name__)
            return Outcome.UNANSWERED, 0.0
        outcome = _outcome(status)
        await self._note_safely(contents.owned, outcome, status)
        return outcome, retry_after

    async def _request(self, contents: Contents, room: int) -> tuple[int, float]:
        """Return the status, and the seconds of Retry-After."""
        target = contents.owned.target
        keys = decode_base64(target.p256dh), decode_base64(target.auth)
        body = encrypt(contents.body, browser_key=keys[0], secret=keys[1])
        headers = {
            "Authorization": await self._vapid.authorization(target.service, target.page),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            **self._options(room, is_call=contents.is_call),
        }
        http, tls = await self._client()
        async with http.post(
            target.endpoint, data=body, headers=headers, allow_redirects=False, ssl=tls
        ) as response:
            wait = response.headers.get("Retry-After", "")
            return response.status, min(float(wait), MAX_AGE) if wait.isdecimal() else 0.0

    def _options(self, room: int, *, is_call: bool) -> dict[str, str]:
        """Return the headers of RFC 8030, 5.2 to 5.4.

        A message replaces an earlier one of its room that still waits at the service.
        """
        ttl, urgency = (CALL_TTL, "high") if is_call else (OTHER_TTL, "normal")
        options = {"TTL": str(ttl), "Urgency": urgency}
        if room:
            digest = hashlib.sha256(f"{self._epoch()}\0{room}".encode()).digest()
            options["Topic"] = encode_base64(digest)[:TOPIC_CHARS]
        return options

    async def _client(self) -> tuple[aiohttp.ClientSession, ssl.SSLContext]:
        """Return the HTTP client, and a context that trusts the authorities of the system.

        That of aiohttp trusts none: a start hides them while it imports aiohttp.
        """
        if self.tls is None:
            self.tls = await asyncio.to_thread(ssl.create_default_context)
        if self._http is None:
            # Without a limit of its own: a push that waits for a connection to one service, because
            # others use all of them, would count as one that cannot be delivered.
            resolver = PublicResolver(self._rules.is_own)
            connector = aiohttp.TCPConnector(resolver=resolver, limit=0)
            self._http = aiohttp.ClientSession(
                connector=connector, timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._http, self.tls

    async def _note_safely(self, owned: OwnedTarget, outcome: Outcome, status: int) -> None:
        """Record what an answer says about the target. A failure causes no further try."""
        try:
            await self._note(owned, outcome, status)
        except ChatServerError as error:
            logger.debug("cannot record the answer of a push service: %s", error)

    async def _note(self, owned: OwnedTarget, outcome: Outcome, status: int) -> None:
        key = owned.target.key
        match outcome:
            case Outcome.ACCEPTED if owned.failures:
                await self._targets.note_success(key)
            case Outcome.GONE:
                await self._targets.remove(key)
            case Outcome.REFUSED:
                logger.warning("a push service has refused a push", extra={"status": status})
                await self._targets.note_failure(key, most=MAX_FAILURES)

    async def close(self) -> None:
        """Drop what waits, and close the connections."""
        for timer in self._timers.values():
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()


def _outcome(status: int) -> Outcome:
    """Return what the answer of a service means: RFC 8030, 5 and 7.3."""
    match status:
        case 200 | 201 | 202 | 204:
            return Outcome.ACCEPTED
        case 404 | 410:
            return Outcome.GONE
        case 429:
            return Outcome.UNREACHABLE
    return Outcome.UNREACHABLE if status >= 500 else Outcome.REFUSED

"""Storing of drafts: group commit, repeats, and outages of the database.

While one transaction is flushed, the next batch collects; there is no timer. After the commit all
senders are answered and the new events are published, without an `await` in between: no event is
shown that could be lost. Owns the queue of drafts. Only the joining of a new bot is stored without
a draft in it (`storage.bots`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from chatserver.errors import ChatError, Unavailable
from chatserver.histogram import SECONDS, SIZES, Histogram
from chatserver.models import (
    Act,
    AddMembers,
    Change,
    Create,
    Dissolve,
    Draft,
    Edit,
    Event,
    Post,
    Receipt,
    RemoveFile,
    RemoveMembers,
)
from chatserver.storage.apply_message import Outcome
from chatserver.storage.failures import CommitUnknown, DiskBroken
from chatserver.storage.outage import Outage

BATCH_SIZE = 500  # drafts per transaction
ROOM_ACT_COST = 25  # a change of a room is stored alone, which takes as long as so many look-ups
USERS_PER_BATCH = 1_000  # mentioned users, each of which takes many look-ups, and changed members
QUEUE_CAPACITY = 10_000  # drafts
SLOW_COMMIT = 1.0  # seconds above which a commit is logged
RETRY_DELAY = 0.5  # seconds between attempts to find out whether a COMMIT succeeded

_MENTIONING = (Post, Edit)
_MEMBERSHIP_CHANGES = (Create, AddMembers, RemoveMembers)
_OTHER_ROOM_ACTS = (Change, Dissolve, RemoveFile)

logger = logging.getLogger(__name__)

Settle = Callable[[Receipt | ChatError], None]


def receipt_future() -> tuple[asyncio.Future[Receipt], Settle]:
    """Return a future for a receipt, and the callback for `Journal.append` that resolves it."""
    receipt: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

    def settle(outcome: Receipt | ChatError) -> None:
        if receipt.done():
            return
        if isinstance(outcome, ChatError):
            receipt.set_exception(outcome)
        else:
            receipt.set_result(outcome)

    return receipt, settle


class BatchStore(Protocol):
    """Storage of batches: `storage.event_log.EventLog`, or memory in tests of the journal."""

    async def store(self, drafts: Sequence[Draft]) -> list[Outcome]: ...


class Publisher(Protocol):
    """Publishes stored events to clients. No method waits.

    Implemented by `realtime.hub.Hub`: storage does not know connections.
    """

    def publish(self, room: int, events: list[Event]) -> None: ...
    def notify_gap(self, room: int, seq: int, participants: Iterable[int]) -> None: ...
    def force_reconnect(self, users: Iterable[int]) -> None: ...


@dataclass(slots=True)
class Counts:
    """Counters since the start, for metrics."""

    stored: int = 0
    repeated: int = 0
    refused: int = 0
    commits: int = 0
    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))  # of a commit
    drafts: Histogram = field(default_factory=lambda: Histogram(SIZES))  # in a commit


class Journal:
    """Queues drafts, stores them in order, and calls back exactly once for each."""

    def __init__(self, store: BatchStore, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher
        self._waiting: deque[tuple[Draft, Settle]] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._published = asyncio.Event()
        self._published.set()
        self._undecided: list[Draft] = []  # drafts of this batch whose COMMIT got no answer
        self.broken = False
        self.outage = Outage()
        self.counts = Counts()

    @property
    def waiting(self) -> int:
        """Number of drafts in the queue."""
        return len(self._waiting)

    @property
    def pending(self) -> bool:
        """Whether any draft is not answered yet."""
        return not self._idle.is_set()

    def append(self, draft: Draft, settle: Settle) -> None:
        """Queue a draft; `settle` is called with a Receipt once it is on disk, else with the error.

        Raises Unavailable if the queue is full or the disk has failed.
        """
        if self.broken or len(self._waiting) >= QUEUE_CAPACITY:
            raise Unavailable
        self._waiting.append((draft, settle))
        self._wake.set()
        self._idle.clear()

    async def run(self) -> None:
        """Store batches until cancelled."""
        while True:
            await self._wake.wait()
            if batch := self._next_batch():
                await self._store_batch(batch)
            if not self._waiting:
                self._wake.clear()
                self._idle.set()

    def _next_batch(self) -> list[tuple[Draft, Settle]]:
        """Take the next drafts, fewer if they name many users, so that a commit stays short."""
        batch: list[tuple[Draft, Settle]] = []
        users = 0
        while self._waiting and len(batch) < BATCH_SIZE and users < USERS_PER_BATCH:
            draft, settle = self._waiting.popleft()
            batch.append((draft, settle))
            users += _cost(draft.act)
        return batch

    async def _store_batch(self, batch: list[tuple[Draft, Settle]]) -> None:
        """Store and settle a batch; on a bug, answer every draft, then raise the exception."""
        self._undecided.clear()
        self._published.clear()
        drafts = [draft for draft, _ in batch]
        try:
            with self._timing(drafts):
                outcomes = await self._outcomes(drafts)
        except Exception:
            for _, settle in batch:
                _call(settle, ChatError())
            raise
        else:
            self._settle_batch(batch, outcomes)
        finally:
            self._published.set()

    async def published(self) -> None:
        """Return when all events that are committed now have been published."""
        await self._published.wait()

    async def drain(self) -> None:
        """Return when all queued drafts have been answered."""
        await self._idle.wait()

    @contextmanager
    def _timing(self, drafts: list[Draft]) -> Iterator[None]:
        clock = asyncio.get_running_loop().time
        start = clock()
        yield
        seconds = clock() - start
        self.counts.seconds.add(seconds)
        self.counts.drafts.add(len(drafts))
        if seconds > SLOW_COMMIT:
            details = {"seconds": round(seconds, 3), "drafts": len(drafts)}
            logger.warning("a commit was slow", extra=details)

    async def _outcomes(self, drafts: list[Draft]) -> list[Outcome]:
        """Store a batch, repeatedly if the outcome of COMMIT is unknown, until it is known.

        Every draft has an id, so storing it again finds the event of the first attempt.
        """
        while not self.broken:
            try:
                outcomes = await self._store.store(drafts)
            except CommitUnknown:
                self._undecided += [draft for draft in drafts if draft not in self._undecided]
                logger.warning("the answer to a commit was lost; storing the batch again")
            except DiskBroken as error:
                self._stop_storing(error)
                break
            except Unavailable as error:
                self.outage.failed(error.reason)
                if not any(draft in self._undecided for draft in drafts):
                    return [error] * len(drafts)
            except ChatError as error:
                return [error] * len(drafts)
            except Exception:
                return await self._outcomes_after_bug(drafts)
            else:
                if any(isinstance(outcome, Event) for outcome in outcomes):
                    self.outage.stored()
                return outcomes
            await asyncio.sleep(RETRY_DELAY)
        return [Unavailable()] * len(drafts)

    def _stop_storing(self, error: DiskBroken) -> None:
        logger.critical("the disk failed; nothing can be stored until the server is restarted")
        self.broken = True
        self.outage.failed(error.reason)

    async def _outcomes_after_bug(self, drafts: list[Draft]) -> list[Outcome]:
        """Store drafts one by one, so that the failure of one does not fail the others."""
        if len(drafts) > 1:
            return [(await self._outcomes([draft]))[0] for draft in drafts]
        logger.exception("a message could not be stored")
        return [ChatError()]

    def _settle_batch(self, batch: list[tuple[Draft, Settle]], outcomes: list[Outcome]) -> None:
        """Answer every sender, then publish new events. Does not await.

        Events of a commit whose answer was lost look like repeats. So clients are notified of a
        gap after each repeat, and users whose memberships changed are forced to reconnect.
        """
        fresh: dict[int, list[Event]] = {}
        for (_draft, settle), outcome in zip(batch, outcomes, strict=True):
            match outcome:
                case Event():
                    fresh.setdefault(outcome.room, []).append(outcome)
                    _call(settle, Receipt(outcome.room, outcome.seq, outcome.at, event=outcome))
                case Receipt():
                    self.counts.repeated += 1
                    _call(settle, outcome)
                    _call(
                        self._publisher.notify_gap, outcome.room, outcome.seq, outcome.participants
                    )
                case ChatError():
                    self.counts.refused += 1
                    _call(settle, outcome)
        for room, events in fresh.items():
            self.counts.stored += len(events)
            _call(self._publisher.publish, room, events)
        if self._undecided:
            affected = {user_id for draft in self._undecided for user_id in draft.affected_users}
            _call(self._publisher.force_reconnect, affected)
        self.counts.commits += 1


def _cost(act: Act) -> int:
    """Return the cost of storing an act, in users that are looked up or changed."""
    if isinstance(act, _MENTIONING):
        return len(act.mentions)
    if isinstance(act, _MEMBERSHIP_CHANGES):
        return ROOM_ACT_COST + len(act.users)
    return ROOM_ACT_COST if isinstance(act, _OTHER_ROOM_ACTS) else 0


def _call(function: Callable[..., None], *args: object) -> None:
    """Call a callback and log its exception, which must not stop the writer."""
    try:
        function(*args)
    except Exception:
        logger.exception("%s failed", function)

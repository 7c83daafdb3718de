"""Reads the log some seconds behind, and decides who gets a push.

A message is only noted when it is stored: which room, and up to which number. Owns the notes until
they are due. What a killed server had noted, the next one finds by the time of each room's last
event; the cursor of each member (`storage.push_claims`) prevents that a push is sent twice.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chatserver.errors import ChatServerError
from chatserver.models import Event, EventKind
from chatserver.push.delivery import Delivery, Push, push_to
from chatserver.push.wanted import Wanted, Wants
from chatserver.storage.push_claims import Candidate, PushClaims
from chatserver.storage.push_targets import Level, OwnedTarget, PushTargets
from chatserver.storage.slices import in_turns

DELAY = 8.0  # seconds in which a message may be read on another device
START_DELAY = 30.0  # seconds after the start, in which pages connect again
MAX_AGE = 600_000  # ms; older messages than that cause no push after a start
MERGE_INTERVAL = 1.0  # seconds in which messages of a room are handled together
POLL_INTERVAL = 1.0
COUNT_INTERVAL = 10.0  # seconds until targets of other nodes are noticed
CLEANUP_INTERVAL = 3_600.0  # seconds until targets of ended sessions are deleted
RETRY_DELAY = 5.0
MAX_NOTES = 10_000
USERS_PER_CLAIM = 50  # so that a claim delays no message

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Note:
    """Messages of a room, `after` < seq <= `upto`, that are due at `at` (monotonic s)."""

    at: float
    room: int
    after: int
    upto: int


class PushReader:
    """Turns stored messages into pushes."""

    def __init__(
        self,
        claims: PushClaims,
        targets: PushTargets,
        delivery: Delivery,
        *,
        wants: Wants,
        is_visible: Callable[[int], bool],
        clock: Callable[[], float],
        now: Callable[[], int],
    ) -> None:
        """`wants`: which messages notify; `is_visible`: whether a user looks at a page.

        `clock` returns monotonic seconds, `now` milliseconds UTC.
        """
        self._claims = claims
        self._targets = targets
        self._delivery = delivery
        self._wants = wants
        self._is_visible = is_visible
        self._clock = clock
        self._now = now
        self._notes: dict[int, list[Note]] = {}  # by room
        self.waiting = 0  # notes, and the one that is being handled
        self.targets = 0  # valid ones, as of the last count

    def note(self, room: int, events: Iterable[Event]) -> None:
        """Note stored messages. Called in the path of a message: does nothing else."""
        if self.targets:
            numbers = [event.seq for event in events if event.kind is EventKind.MESSAGE]
            if numbers:
                self._add(Note(self._clock() + DELAY, room, numbers[0] - 1, numbers[-1]))

    def _add(self, note: Note) -> None:
        for earlier in self._notes.get(note.room, ()):
            if abs(earlier.at - note.at) < MERGE_INTERVAL:
                earlier.after = min(earlier.after, note.after)
                earlier.upto = max(earlier.upto, note.upto)
                return
        if self.waiting < MAX_NOTES:
            self.waiting += 1
            self._notes.setdefault(note.room, []).append(note)

    async def run(self) -> None:
        """Send what is due until cancelled."""
        await self.count_targets()
        await self._note_recent()
        for tick in itertools.count(1):
            await asyncio.sleep(POLL_INTERVAL)
            if tick % round(COUNT_INTERVAL / POLL_INTERVAL) == 0:
                await self.count_targets()
            if tick % round(CLEANUP_INTERVAL / POLL_INTERVAL) == 0:
                await self._clean_up()
            for note in self._take_due():
                await self._handle_safely(note)
                self.waiting -= 1

    async def count_targets(self) -> None:
        """Count the valid targets; without any, nothing is noted."""
        try:
            self.targets = await self._targets.count()
        except ChatServerError as error:
            logger.debug("cannot count push targets, will retry: %s", error)

    async def _clean_up(self) -> None:
        try:
            await self._targets.remove_invalid()
        except ChatServerError as error:
            logger.debug("cannot delete push targets, will retry: %s", error)

    async def _note_recent(self) -> None:
        """Note the messages of before the start, which may have caused no push yet."""
        if not self.targets:
            return
        at = self._clock() + START_DELAY
        for room, first, head in await self._claims.recent(self._now() - MAX_AGE):
            self._add(Note(at, room, first - 1, head))

    def _take_due(self) -> list[Note]:
        now = self._clock()
        due = [note for notes in self._notes.values() for note in notes if note.at <= now]
        for note in due:
            self._notes[note.room].remove(note)
            if not self._notes[note.room]:
                del self._notes[note.room]
        return sorted(due, key=lambda note: note.at)

    async def _handle_safely(self, note: Note) -> None:
        try:
            await self.handle(note)
        except ChatServerError as error:
            logger.warning("cannot read who gets pushes, will retry: %s", error)
            note.at = self._clock() + RETRY_DELAY
            self._add(note)
        except Exception:
            logger.exception("pushes of a room failed")

    async def handle(self, note: Note) -> None:
        """Claim and queue the pushes for the messages of a note. Raises Unavailable."""
        found = in_turns(await self._claims.candidates(note.room, note.upto))
        candidates = [one async for one in found if not self._is_visible(one.user_id)]
        room = await self._claims.messages(note.room, note.after, note.upto) if candidates else None
        if room is None:
            return
        wanted = {one.user_id: self._wants(room, one) async for one in in_turns(candidates)}
        self._postpone(note, [one for one in candidates if one.waits and wanted[one.user_id]])
        ready = [one.user_id for one in candidates if not one.waits and wanted[one.user_id]]
        for start in range(0, len(ready), USERS_PER_CLAIM):
            users = ready[start : start + USERS_PER_CLAIM]
            newest = {user: _newest(wanted[user]) for user in users}
            claimed = await self._claims.claim(note.room, note.upto, newest)
            async for owned in in_turns(claimed):
                if messages := wanted[owned.user_id].get(owned.target.level):
                    self._delivery.queue(_push(owned, messages))

    def _postpone(self, note: Note, waiting: list[Candidate]) -> None:
        """Come back to users who got a push of this room a moment ago."""
        if waiting:
            delay = min(one.waits for one in waiting) / 1000
            self._add(Note(self._clock() + delay, note.room, note.after, note.upto))


def _push(owned: OwnedTarget, wanted: Wanted) -> Push:
    seqs = tuple(message.seq for message in wanted.messages)
    return push_to(owned, room=wanted.room.room, seqs=seqs)


def _newest(wanted: dict[Level, Wanted]) -> int:
    return max(each.messages[-1].seq for each in wanted.values())

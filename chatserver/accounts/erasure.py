"""Deletion of all messages of a user whose account is deleted."""

import asyncio
import time
from collections.abc import Iterable

from msgspec.structs import replace

from chatserver.errors import NotFound
from chatserver.models import Delete, Receipt, User
from chatserver.storage.event_log import EventLog
from chatserver.storage.idempotency import new_draft
from chatserver.storage.journal import Journal, receipt_future

BATCH_SIZE = 10  # messages deleted in one commit, which delays other messages
PAUSE = 1.0  # between two commits, as a multiple of the time of the first


class Erasure:
    """Deletes messages through the journal, like the members of rooms do."""

    def __init__(self, journal: Journal, log: EventLog) -> None:
        self._journal = journal
        self._log = log

    async def delete_messages(self, user: User) -> int:
        """Delete all messages of a user, in every room; return how many.

        The members of the rooms are notified as of every deletion. At least half of the time is
        left to other messages. If this raises Unavailable,
        messages deleted so far stay deleted; call it again for the rest.
        """
        count, last = 0, None
        while found := await self._log.messages_by(user.id, BATCH_SIZE, after=last):
            started = time.monotonic()
            count += await self._delete(user, [(room, seq) for _id, room, seq in found])
            last = found[-1][0]
            await asyncio.sleep(PAUSE * (time.monotonic() - started))
        return count

    async def _delete(self, user: User, places: Iterable[tuple[int, int]]) -> int:
        receipts = [self._deletion(user, room, seq) for room, seq in places]
        outcomes = await asyncio.gather(*receipts, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, NotFound):
                raise outcome  # NotFound: it was deleted in the meantime
        return sum(isinstance(outcome, Receipt) for outcome in outcomes)

    async def _deletion(self, user: User, room: int, seq: int) -> Receipt:
        receipt, settle = receipt_future()
        draft = new_draft(room, user.id, user.name, Delete(seq, outside=True))
        self._journal.append(replace(draft, resolved=False), settle)
        return await receipt

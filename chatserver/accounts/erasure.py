"""Removal of what a deleted account leaves behind: its memberships, and its messages if wanted.

Both go through the journal in small commits, with a pause after each, so that other messages wait
for one of them at most.
"""

import asyncio
import logging
from collections.abc import Iterable

from msgspec.structs import replace

from chatserver.errors import ChatError, NotFound
from chatserver.models import Delete, Draft, Receipt, RemoveMembers, User
from chatserver.storage.account_deletion import remaining_memberships
from chatserver.storage.engine import Database
from chatserver.storage.event_log import EventLog
from chatserver.storage.idempotency import new_draft
from chatserver.storage.journal import Journal, receipt_future
from chatserver.storage.throttling import throttled

BATCH_SIZE = 10  # messages deleted in one commit, which delays other messages
ROOMS_PER_COMMIT = 5  # memberships ended in one commit
POLL_INTERVAL = 3_600.0  # seconds

logger = logging.getLogger(__name__)


class Erasure:
    """Ends memberships and deletes messages of deleted accounts."""

    def __init__(self, journal: Journal, log: EventLog, database: Database) -> None:
        self._journal = journal
        self._log = log
        self._database = database

    async def run(self) -> None:
        """End the memberships that an interrupted deletion left, at the start and every hour."""
        while True:
            try:
                await self.leave_rooms()
            except ChatError as error:
                logger.warning("deleted accounts are still members of rooms: %s", error.code)
            await asyncio.sleep(POLL_INTERVAL)

    async def leave_rooms(self, user: User | None = None) -> None:
        """Let a deleted user, or all of them, leave all rooms that a member can leave.

        If this raises Unavailable, call it again for the rest.
        """
        memberships = await remaining_memberships(self._database, None if user is None else user.id)
        for start in range(0, len(memberships), ROOMS_PER_COMMIT):
            async with throttled():
                await self._store(
                    new_draft(room, user_id, name, _leave(user_id, name))
                    for user_id, name, room in memberships[start : start + ROOMS_PER_COMMIT]
                )

    async def delete_messages(self, user: User) -> int:
        """Delete all messages of a user, in every room; return how many.

        The members of the rooms are notified as of every deletion. If this raises Unavailable,
        messages deleted so far stay deleted; call it again for the rest.
        """
        count, last = 0, None
        while found := await self._log.messages_by(user.id, BATCH_SIZE, after=last):
            async with throttled():
                count += await self._store(_deletion(user, room, seq) for _id, room, seq in found)
            last = found[-1][0]
        return count

    async def _store(self, drafts: Iterable[Draft]) -> int:
        """Store drafts together; return how many still had something to change."""
        receipts = [self._receipt(draft) for draft in drafts]
        outcomes = await asyncio.gather(*receipts, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, NotFound):
                raise outcome
        return sum(isinstance(outcome, Receipt) for outcome in outcomes)

    async def _receipt(self, draft: Draft) -> Receipt:
        receipt, settle = receipt_future()
        self._journal.append(draft, settle)
        return await receipt


def _leave(user_id: int, name: str) -> RemoveMembers:
    return RemoveMembers("leave", ((user_id, name),), of_deleted_account=True)


def _deletion(user: User, room: int, seq: int) -> Draft:
    draft = new_draft(room, user.id, user.name, Delete(seq, of_deleted_account=True))
    return replace(draft, resolved=False)

"""Removal of files from messages by administrators of the server, who need not be members."""

from msgspec.structs import replace

from chatserver.errors import NotFound
from chatserver.models import RemoveFile, User
from chatserver.storage.file_usage import FileUsage
from chatserver.storage.idempotency import new_draft
from chatserver.storage.journal import Journal, receipt_future


class FileRemoval:
    """Removes files; the bytes follow shortly, see `cleanup.py`."""

    def __init__(self, usage: FileUsage, journal: Journal) -> None:
        self._usage = usage
        self._journal = journal

    async def remove(self, by: User | None, file_id: str) -> None:
        """Remove a file from its message; members of the room are notified as of an edit.

        `by` is the administrator who does it, None the operator. Raises NotFound for a file that no
        message has.
        """
        location = await self._usage.location(file_id)
        if location is None:
            raise NotFound
        act = RemoveFile(file_id, None if by is None else by.id)
        draft = new_draft(location.room, location.user_id, location.user, act)
        receipt, settle = receipt_future()
        self._journal.append(replace(draft, resolved=False), settle)
        await receipt

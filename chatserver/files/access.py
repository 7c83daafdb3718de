"""Access to files: a file may be read exactly when the event that has it may be read."""

from chatserver.errors import NotFound
from chatserver.file_state import FileState
from chatserver.models import User
from chatserver.storage.files import FileRegister, StoredFile
from chatserver.storage.rooms import Rooms


class FileAccess:
    """Decides who may read a file."""

    def __init__(self, register: FileRegister, rooms: Rooms) -> None:
        self._register = register
        self._rooms = rooms

    async def file(self, user: User, file_id: str) -> StoredFile:
        """Return a file that the user may read now.

        Raises NotFound, for whatever reason: a file that is not sent yet is its sender's only.
        """
        found = await self._register.find(file_id)
        if found is None or not await self._may_read(user, found):
            raise NotFound
        return found

    async def _may_read(self, user: User, file: StoredFile) -> bool:
        if file.state is FileState.COMPLETE:
            return file.user_id == user.id
        if file.state is not FileState.BOUND or file.room is None or file.seq is None:
            return False
        access = (await self._rooms.readable(user.id, [file.room])).get(file.room)
        if access is None or file.seq > access.head:
            return False
        # A former member sees a message that was changed since as deleted: see departed_view.
        return access.left_seq is None or not await self._register.changed_since(
            file.room, file.seq, access.left_seq
        )

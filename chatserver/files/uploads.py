"""Rules of uploads: limits, quotas, free space, and completion after the last byte.

Owns the number of uploads that each user has running on this node.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from chatserver.config import FileSettings
from chatserver.deadline import run_cancellable, run_shielded
from chatserver.errors import BadRequest, NotFound, RateLimited, TooLarge, Unavailable, _
from chatserver.file_state import COMPLETE_STATES, FileState
from chatserver.files.media_processor import MediaInfo, MediaProcessor
from chatserver.files.names import cleaned
from chatserver.files.pace import Piece, paced
from chatserver.files.part import Checksum, Incomplete, Locked, WrongOffset
from chatserver.files.store import FileStore, Space
from chatserver.models import User
from chatserver.storage.file_quotas import FileQuotas
from chatserver.storage.files import NO_SOUND, Content, FileRegister, NewFile, Sound, StoredFile
from chatserver.text.names import visible_line
from chatserver.text.normalization import nfkc

MAX_RUNNING = 4  # uploads of one user that run at the same time on a node
RETRY_DELAY = 1.0  # seconds
# The request of an upload has no time limit, because of its body. These are for the database alone:
QUERY_TIMEOUT = 8.0  # seconds for a query, and for the change that completes the file
DISCARD_TIMEOUT = 1.5  # seconds for the deletion after a failure, which may be such a timeout
SPACE_CHECK_BYTES = 8 * 2**20  # bytes that are received between checks of the free space
MAX_ALT = 250  # characters
MAX_EXPANDED_ALT = 1_000  # the same in NFKC for search, where one may become eighteen

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """Counters since the start, for metrics."""

    uploads: int = 0
    bytes: int = 0
    refused: int = 0


class Uploads:
    """Begins, continues and completes uploads."""

    def __init__(
        self,
        register: FileRegister,
        store: FileStore,
        media: MediaProcessor,
        quotas: FileQuotas,
        *,
        settings: FileSettings,
    ) -> None:
        self._register = register
        self._store = store
        self._area = store.uploads
        self._media = media
        self._settings = settings
        self._quotas = quotas
        self._running: Counter[int] = Counter()
        self.counts = Counts()

    @property
    def largest(self) -> int:
        """The largest file that is accepted, in bytes."""
        return self._settings.bytes

    @property
    def lifetime(self) -> int:
        """Milliseconds for which an unsent file is kept."""
        return self._settings.unsent_hours * 3_600_000

    async def begin(
        self,
        user: User,
        name: str,
        size: int,
        *,
        room: int | None = None,
        alt: str = "",
        sound: Sound = NO_SOUND,
    ) -> StoredFile:
        """Register an upload of `size` bytes. `sound` is dropped if it turns out to be no sound.

        Raises TooLarge, Unavailable if the disk is nearly full, NotFound without the room.
        """
        try:
            self._check_size(size)
            await self._check_space(size)
            new = NewFile(user.id, cleaned(name), size, room, checked_alt(alt), sound)
            async with self._quotas.reserving(new):
                begun = await self._register.begin(new)
        except (TooLarge, Unavailable):
            self.counts.refused += 1
            raise
        await self._area.create(begun.id)
        return begun

    def _check_size(self, size: int) -> None:
        if not self._settings.per_message:
            raise BadRequest(_("File uploads are disabled on this server."))
        if size < 1:
            raise BadRequest(_("The file is empty."))
        if size > self.largest:
            megabytes = max(1, self.largest // 2**20)
            raise TooLarge(_("Files can be at most %(count)d MB."), count=megabytes)

    def reserve(self, space: Space) -> int:
        """Return the bytes of a disk that uploads leave free."""
        return self._settings.reserve(space.total)

    async def _check_space(self, size: int) -> None:
        space = await self._area.space()
        if space.free - size < self.reserve(space):
            logger.warning("an upload is refused: the disk is nearly full")
            raise Unavailable(_("The server's disk is almost full. Uploads are paused."))

    async def find(self, user: User, file_id: str) -> StoredFile:
        """Return the user's own unsent file. Raises NotFound."""
        found = await self._register.find(file_id)
        if found is None or found.user_id != user.id or found.state > FileState.COMPLETE:
            raise NotFound
        return found

    async def offset(self, file: StoredFile) -> int:
        """Return the number of bytes that have arrived.

        A file whose completion was interrupted is completed now.
        """
        if file.state is FileState.COMPLETE:
            return file.bytes
        size = await self._area.size(file.id, limit=file.bytes)
        if size is not None and size < file.bytes:
            return size
        return (await self.complete(file)).bytes

    async def receive(
        self,
        file: StoredFile,
        offset: int,
        pieces: AsyncIterator[Piece],
        *,
        checksum: Checksum | None = None,
    ) -> int:
        """Store bytes from `offset`; return the new offset. What arrives before a cut is kept.

        Raises RateLimited above MAX_RUNNING uploads of the user, BadRequest if they are too slow,
        Locked while another request appends, or completes the file; WrongOffset for a complete one.
        """
        if file.state is not FileState.UPLOADING:
            raise WrongOffset
        with self._slot(file.user_id):
            async with aclosing(self._counted(pieces)) as counted:
                return await self._area.append(
                    file.id, offset, counted, limit=file.bytes, checksum=checksum
                )

    async def receive_all(self, file: StoredFile, pieces: AsyncIterator[Piece]) -> None:
        """Store all bytes of a file. Raises Incomplete, and what `receive` raises."""
        if await self.receive(file, 0, pieces) < file.bytes:
            raise Incomplete

    @contextmanager
    def _slot(self, user_id: int) -> Iterator[None]:
        if self._running[user_id] >= MAX_RUNNING:
            raise RateLimited(RETRY_DELAY, _("Too many uploads at once. Wait for one to finish."))
        self._running[user_id] += 1
        try:
            yield
        finally:
            self._running[user_id] -= 1
            self._running += Counter()  # drops users without uploads

    async def _counted(self, pieces: AsyncIterator[Piece]) -> AsyncGenerator[Piece]:
        """Yield the pieces. Raises Unavailable when the disk is nearly full: others write too."""
        unchecked = 0
        async for piece in paced(pieces, self._settings.bytes_per_second):
            if unchecked <= 0:
                await self._check_space(SPACE_CHECK_BYTES)
                unchecked = SPACE_CHECK_BYTES
            unchecked -= len(piece)
            self.counts.bytes += len(piece)
            yield piece

    async def complete(self, file: StoredFile) -> StoredFile:
        """Complete a file whose bytes have all arrived; return it when it is durably stored.

        Metadata is removed from pictures and videos, so the file may have become smaller. Raises
        NotFound if it was discarded in the meantime, Locked if this runs already on any node,
        BadRequest if the metadata cannot be removed; the file is discarded then.
        """
        async with self._area.lock_completion(file.id):
            found = await self._found(file.id)
            if found is None or found.state is FileState.DELETING:
                raise NotFound
            return found if found.state is not FileState.UPLOADING else await self._complete(found)

    async def _found(self, file_id: str) -> StoredFile | None:
        return await run_cancellable(self._register.find(file_id), asyncio.timeout(QUERY_TIMEOUT))

    async def _complete(self, file: StoredFile) -> StoredFile:
        suffix = await self._area.seal(file.id, file.bytes)
        try:
            info = await self._media.process(file.id, suffix, user_id=file.user_id)
        except BadRequest:  # it cannot be completed later either
            await self._discard_failed(file)
            raise
        sha256, size = await self._area.digest(file.id, suffix, unchanged=info.unchanged)
        await self._claim(file.id, sha256)
        await self._area.commit(file.id)
        content = _content(file, info, size, sha256)
        try:
            completed = await run_shielded(
                self._register.complete(file.id, content), asyncio.timeout(QUERY_TIMEOUT)
            )
        except NotFound:
            return await self._completed_elsewhere(file.id)
        self.counts.uploads += 1
        return completed

    async def _claim(self, file_id: str, sha256: str) -> None:
        """Raise Locked if another node is about to store other bytes, which its client sent."""
        if not self._area.is_shared:
            claim = self._register.claim(file_id, sha256)
            if not await run_shielded(claim, asyncio.timeout(QUERY_TIMEOUT)):
                raise Locked

    async def _completed_elsewhere(self, file_id: str) -> StoredFile:
        """Return a file that another node has completed first; delete one that was discarded."""
        found = await self._found(file_id)
        if found is not None and found.state in COMPLETE_STATES:
            return found
        await self._store.delete(file_id)
        raise NotFound

    async def discard(self, user: User, file_id: str) -> None:
        """Delete the user's own unsent file; its bytes follow shortly. Raises NotFound."""
        await self._register.discard(file_id, user.id)

    async def describe(self, user: User, file_id: str, alt: str) -> StoredFile:
        """Set the alternative text of the user's own unsent file. Raises NotFound."""
        return await self._register.describe(file_id, user.id, checked_alt(alt))

    @asynccontextmanager
    async def discarding(self, file: StoredFile) -> AsyncIterator[None]:
        """Discard the upload if the block fails: its sender cannot continue it."""
        try:
            yield
        except BaseException:
            await self._discard_failed(file)
            raise

    async def _discard_failed(self, file: StoredFile) -> None:
        """Discard an upload whose error is about to be raised.

        If the database hangs, it is discarded later; if that fails too, it expires.
        """
        discarded = self._register.discard(file.id, file.user_id)
        with suppress(NotFound, Unavailable):  # NotFound: it is discarded already
            await run_shielded(discarded, asyncio.timeout(DISCARD_TIMEOUT))


def _content(file: StoredFile, info: MediaInfo, size: int, sha256: str) -> Content:
    is_sound = info.type.startswith("audio/")
    return Content(
        info.type,
        size,
        sha256,
        info.width,
        info.height,
        info.blur,
        seconds=file.seconds if is_sound else None,
        wave=file.wave if is_sound else None,
    )


def checked_alt(alt: str) -> str | None:
    """Return the stored form of an alternative text. Raises BadRequest."""
    kept = visible_line(alt)
    if len(kept) > MAX_ALT or len(nfkc(kept)) > MAX_EXPANDED_ALT:
        raise BadRequest(_("This text is too long."))
    return kept or None

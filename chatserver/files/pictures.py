"""Client of the process that works on pictures. Owns that process.

A file that it cannot decode becomes an attachment that browsers do not show; one whose metadata it
cannot remove is refused. Users take turns, so that one with many pictures delays others by one
picture.
"""

import asyncio
import logging
from dataclasses import dataclass
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from chatserver.errors import BadRequest, _
from chatserver.files.images.worker import HANDLED, Job, Result
from chatserver.files.store import CLEAN, THUMBS, FileStore
from chatserver.files.types import HEAD, PICTURES, UNKNOWN, media_type
from chatserver.files.worker_process import FAILURES, WorkerProcess

TIMEOUT = 30.0  # seconds for one file
MODULE = "chatserver.files.images"
UNCLEANED = _(
    "The server cannot remove the metadata, such as the place, from this file. It may be damaged."
    " Put it into an archive to send it as it is."
)
SQUARE = 256  # pixels of a side of profile pictures and of the logo

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a file from its content; `width` and `height` if it has thumbnails.

    `unchanged`: no process could write to it, so its bytes are those that arrived.
    """

    type: str
    width: int | None = None
    height: int | None = None
    blur: str | None = None
    unchanged: bool = False


@dataclass(slots=True)
class Counts:
    """Counters since the start, for metrics."""

    handled: int = 0
    rejected: int = 0
    failed: int = 0  # the process ended, or did not answer in time


class Pictures:
    """Finds the type of a file, removes its metadata and makes its thumbnails."""

    def __init__(self, store: FileStore, *, pixels: int) -> None:
        """`pixels`: pictures with more of them are not decoded."""
        self._store = store
        self._pixels = pixels
        self._lock = asyncio.Lock()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # by user id
        self._worker = WorkerProcess(MODULE, timeout=TIMEOUT)
        self.counts = Counts()

    async def process(self, file_id: str, suffix: str, *, user_id: int) -> Picture:
        """Return what a sealed file of a user is, after its metadata was removed.

        Raises BadRequest if it cannot be removed.
        """
        kind = media_type(await self._store.head(file_id, suffix, HEAD))
        if kind not in HANDLED:
            return Picture(kind, unchanged=True)
        job = self._job(file_id, suffix, kind)
        result = await self._perform(job, user_id)
        if not (result.cleaned or await self._is_cleaned(job, user_id)):
            raise BadRequest(UNCLEANED)
        if not result.ok:
            return Picture(UNKNOWN)
        if kind == "video/mp4" and result.is_sound:  # as Safari records it
            return Picture("audio/mp4")
        return Picture(kind, result.width, result.height, result.blur)

    async def _is_cleaned(self, job: Job, user_id: int) -> bool:
        """Remove the metadata only: the process may have ended while it made thumbnails."""
        return (await self._perform(replace(job, thumbs={}), user_id)).cleaned

    async def crop(self, file_id: str, suffix: str, *, user_id: int) -> bool:
        """Replace a sealed file by a square WebP of SQUARE pixels; False if it is no picture."""
        kind = media_type(await self._store.head(file_id, suffix, HEAD))
        if kind not in PICTURES:
            return False
        job = self._job(file_id, suffix, kind, square=SQUARE)
        return (await self._perform(job, user_id)).ok

    async def _perform(self, job: Job, user_id: int) -> Result:
        async with self._turns.setdefault(user_id, asyncio.Lock()), self._lock:
            return await self._result(job)

    def _job(self, file_id: str, suffix: str, kind: str, *, square: int = 0) -> Job:
        path = self._store.path
        thumbs = {size: str(path(file_id, f".{size}")) for size in THUMBS}
        paths = {"path": str(path(file_id, suffix)), "clean": str(path(file_id, CLEAN))}
        return Job(type=kind, thumbs=thumbs, pixels=self._pixels, square=square, **paths)

    async def _result(self, job: Job) -> Result:
        try:
            result = await self._send(job)
        except FAILURES as error:
            logger.warning("a picture could not be handled: %s", type(error).__name__)
            self.counts.failed += 1
            return Result(ok=False)
        self.counts.handled += 1
        self.counts.rejected += not result.ok
        return result

    async def _send(self, job: Job) -> Result:
        answer = await self._worker.ask(msgspec.json.encode(job))
        return msgspec.json.decode(answer, type=Result)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()

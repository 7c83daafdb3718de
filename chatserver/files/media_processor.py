"""Client of the process that cleans pictures, videos and recordings. Owns that process.

A file that it cannot decode becomes an attachment that browsers do not show; one whose metadata it
cannot remove is refused. A failure outside the file, such as a full disk, can be
tried again. Users take turns, so that one with many files delays others by one file.
"""

import asyncio
import errno
import logging
import signal
from dataclasses import dataclass
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from chatserver.errors import BadRequest, ChatError, NotFound, Unavailable, _
from chatserver.file_state import UNKNOWN_TYPE
from chatserver.files.file_folder import refusal
from chatserver.files.folder_names import CLEAN_SUFFIX
from chatserver.files.media.worker import HANDLED, Failure, Job, Result
from chatserver.files.store import THUMBS, UploadArea
from chatserver.files.types import HEAD_BYTES, ISO_MEDIA, PICTURES, media_type
from chatserver.files.worker_process import FAILURES, Ended, WorkerProcess

TIMEOUT = 30.0  # seconds for one file
MODULE = "chatserver.files.media"
UNCLEANED = _(
    "The server cannot remove metadata such as the location from this file; it may be damaged."
    " To send it unchanged, zip it first."
)
UNPROCESSED = _("The server cannot process this file right now. Try again.")
# Ends of the process that a picture causes: its time is over, or it crashes a decoder.
CAUSED_BY_PICTURES = frozenset(
    -number
    for number in (signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)
)
SQUARE_SIDE = 256  # pixels of a side of profile pictures and of the logo

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MediaInfo:
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
    failed: int = 0  # the process ended or did not answer in time, the disk or Pillow failed


class MediaProcessor:
    """Finds the type of a file, removes its metadata and makes its thumbnails."""

    def __init__(self, area: UploadArea, *, pixels: int) -> None:
        """`pixels`: pictures with more of them are not decoded."""
        self._area = area
        self._pixels = pixels
        self._lock = asyncio.Lock()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # by user id
        self._worker = WorkerProcess(MODULE, timeout=TIMEOUT)
        self._lacks_library = False  # it was logged
        self.counts = Counts()

    async def process(self, file_id: str, suffix: str, *, user_id: int) -> MediaInfo:
        """Return what a sealed file of a user is, after its metadata was removed.

        Raises BadRequest if it cannot be removed, Unavailable if that may succeed later.
        """
        kind = media_type(await self._area.head(file_id, suffix, HEAD_BYTES))
        if kind not in HANDLED:
            return MediaInfo(kind, unchanged=True)
        job = self._job(file_id, suffix, kind)
        result = await self._perform(job, user_id)
        if not result.cleaned:
            await self._clean(job, user_id)
        if result.failure is Failure.LIBRARY:
            return MediaInfo(kind)
        if not result.ok:
            return MediaInfo(UNKNOWN_TYPE)
        kind = _type_of_tracks(kind, result.tracks)
        return MediaInfo(kind, result.width, result.height, result.blur)

    async def _clean(self, job: Job, user_id: int) -> None:
        """Remove the metadata only: the process may have ended while it made thumbnails."""
        result = await self._perform(replace(job, thumbs={}), user_id)
        if not result.cleaned:
            raise _refused(result)

    async def crop(self, file_id: str, suffix: str, *, user_id: int) -> bool:
        """Replace a sealed file by a square WebP of SQUARE_SIDE pixels; False if it is no picture.

        Raises Unavailable if that may succeed later.
        """
        kind = media_type(await self._area.head(file_id, suffix, HEAD_BYTES))
        if kind not in PICTURES:
            return False
        job = self._job(file_id, suffix, kind, square=SQUARE_SIDE)
        result = await self._perform(job, user_id)
        if result.failure is not None:
            raise Unavailable(UNPROCESSED)
        return result.ok

    async def _perform(self, job: Job, user_id: int) -> Result:
        """Perform a job, a second time if the process was killed from outside or too slow.

        Raises Unavailable if the disk fails, NotFound if the file was deleted.
        """
        async with self._turns.setdefault(user_id, asyncio.Lock()), self._lock:
            result = await self._result(job)
            if result.failure is Failure.ENDED and job.thumbs:
                result = await self._result(job)
        if result.errno == errno.ENOENT:
            raise NotFound
        if result.errno is not None:
            raise refusal(OSError(result.errno, result.reason))
        return result

    def _job(self, file_id: str, suffix: str, kind: str, *, square: int = 0) -> Job:
        path = self._area.path
        thumbs = {size: str(path(file_id, f".{size}")) for size in THUMBS}
        paths = {"path": str(path(file_id, suffix)), "clean": str(path(file_id, CLEAN_SUFFIX))}
        return Job(type=kind, thumbs=thumbs, pixels=self._pixels, square=square, **paths)

    async def _result(self, job: Job) -> Result:
        try:
            result = await self._send(job)
        except FAILURES as error:
            caused = isinstance(error, Ended) and error.code in CAUSED_BY_PICTURES
            reason = str(error) if isinstance(error, Ended) else type(error).__name__
            result = Result(ok=False, failure=None if caused else Failure.ENDED, reason=reason)
            self.counts.failed += 1
            self._log(result, logging.WARNING)
            return result
        self._count(result)
        return result

    def _count(self, result: Result) -> None:
        """Count and log the result of a job that was answered."""
        if result.failure is not None:
            self.counts.failed += 1
            if result.failure is not Failure.STORAGE:  # `refusal` logs that
                self._log(result, logging.WARNING)
            return
        self.counts.handled += 1
        if not result.ok:
            self.counts.rejected += 1
            self._log(result, logging.INFO)

    def _log(self, result: Result, level: int) -> None:
        if result.failure is Failure.LIBRARY:
            if not self._lacks_library:
                logger.warning("new pictures have no preview, see doctor: %s", result.reason)
            self._lacks_library = True
        else:
            logger.log(level, "a picture could not be handled: %s", result.reason)

    async def _send(self, job: Job) -> Result:
        answer = await self._worker.ask(msgspec.json.encode(job))
        return msgspec.json.decode(answer, type=Result)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()


def _type_of_tracks(kind: str, tracks: list[str]) -> str:
    """Return the type of a clean file whose brands say that it is of type `kind`."""
    if kind not in ("video/mp4", ISO_MEDIA):
        return kind
    if tracks == ["soun"]:  # as Safari records it
        return "audio/mp4"
    return "video/mp4" if "vide" in tracks else kind


def _refused(result: Result) -> ChatError:
    """Return the error for a file whose metadata was not removed."""
    return BadRequest(UNCLEANED) if result.failure is None else Unavailable(UNPROCESSED)

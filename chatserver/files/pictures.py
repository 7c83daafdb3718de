"""Client of the process that works on pictures. Owns that process.

It is started for the first picture, ended when it was idle for a while, and killed when a picture
takes too long. A file that it cannot decode becomes an attachment that browsers do not show; one
whose metadata it cannot remove is refused. Users take turns, so that one with many pictures delays
others by one picture.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from chatserver.errors import BadRequest, _
from chatserver.files.images.worker import HANDLED, Job, Result
from chatserver.files.store import CLEAN, THUMBS, FileStore
from chatserver.files.types import HEAD, PICTURES, UNKNOWN, media_type

TIMEOUT = 30.0  # seconds for one file
IDLE_TIME = 60.0  # seconds without a job after which the process ends
MODULE = "chatserver.files.images"
UNCLEANED = _(
    "The server cannot remove the metadata, such as the place, from this file. It may be damaged."
    " Put it into an archive to send it as it is."
)
SQUARE = 256  # pixels of a side of profile pictures and of the logo

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a file from its content; `width` and `height` if it has thumbnails."""

    type: str
    width: int | None = None
    height: int | None = None
    blur: str | None = None


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
        self._process: Process | None = None
        self._idle: asyncio.TimerHandle | None = None
        self.counts = Counts()

    async def process(self, file_id: str, suffix: str, *, user_id: int) -> Picture:
        """Return what a sealed file of a user is, after its metadata was removed.

        Raises BadRequest if it cannot be removed.
        """
        kind = media_type(await self._store.head(file_id, suffix, HEAD))
        if kind not in HANDLED:
            return Picture(kind)
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
            async with asyncio.timeout(TIMEOUT):
                result = await self._send(job)
        except (OSError, RuntimeError, msgspec.MsgspecError, ValueError, TimeoutError) as error:
            logger.warning("a picture could not be handled: %s", type(error).__name__)
            self.counts.failed += 1
            await self.close()
            return Result(ok=False)
        except BaseException:
            await self.close()  # its result would be read as that of the next job
            raise
        self.counts.handled += 1
        self.counts.rejected += not result.ok
        return result

    async def _send(self, job: Job) -> Result:
        if self._idle is not None:
            self._idle.cancel()
        if self._process is None or self._process.returncode is not None:  # killed while idle
            self._process = await _start()
        process = self._process
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(msgspec.json.encode(job) + b"\n")
        result = await process.stdout.readline()
        self._idle = asyncio.get_running_loop().call_later(IDLE_TIME, self._end_idle)
        return msgspec.json.decode(result, type=Result)

    def _end_idle(self) -> None:
        """Close the input of the process, which then ends."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()

    async def close(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _start() -> Process:
    """Start the process, without the secrets that the server's environment may have."""
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {"PYTHONPATH": paths, "PATH": os.environ.get("PATH", "")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULE, stdin=PIPE, stdout=PIPE, env=environment
    )

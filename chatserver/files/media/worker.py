"""Process that cleans pictures, videos and recordings, with limits, so that a hostile one
harms nothing else.
"""

import errno
import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from chatserver.files.media import Malformed, gif, jpeg, mp4, png, webm, webp
from chatserver.files.types import ISO_MEDIA
from chatserver.files.worker_loop import serve

MEMORY = 768 * 2**20  # bytes of address space
SECONDS = 8  # of the processor for one job

Clean = Callable[[Any], list[bytes]]
CLEANED: dict[str, Clean] = {
    "image/jpeg": jpeg.clean,
    "image/png": png.clean,
    "image/gif": gif.clean,
    "image/webp": webp.clean,
}
WEBM = frozenset(["video/webm", "audio/webm"])
ISO = frozenset(
    ["video/mp4", "video/quicktime", "audio/mp4", "image/heic", "image/avif", ISO_MEDIA]
)
CLEANED_IN_PLACE = WEBM | ISO
HANDLED = CLEANED.keys() | CLEANED_IN_PLACE

# Codes of OSError that a picture can cause: positions that do not exist, too much memory.
CAUSED_BY_PICTURES = (None, errno.EINVAL, errno.EOVERFLOW, errno.ENOMEM)


class Job(Struct):
    """A file whose metadata is to be removed: in place, or by way of the file `clean`.

    `thumbs`: the thumbnails to make of it, by size. `square`: replace it by a square WebP of this
    side instead.
    """

    type: str
    path: str
    clean: str
    thumbs: dict[int, str]
    pixels: int
    square: int = 0


class Failure(Enum):
    """Why a job failed for a reason outside its picture."""

    STORAGE = "storage"  # the disk; the result has the code
    LIBRARY = "library"  # Pillow is not installed
    ENDED = "ended"  # the process did not answer; only its client knows


class Result(Struct, omit_defaults=True):
    """Not `ok`: see `failure`; without one, the file is not what its type says or exceeds a limit.

    `cleaned`: its metadata is removed. `tracks`: kinds of the tracks of an MP4 or QuickTime file,
    as their handlers: "soun", "vide".
    `reason` is for the log; `errno` is that of a failure of the disk.
    """

    ok: bool
    failure: Failure | None = None
    errno: int | None = None
    reason: str = ""
    cleaned: bool = False
    tracks: list[str] = []
    width: int | None = None
    height: int | None = None
    blur: str | None = None


def main() -> None:
    """Work until the input ends."""
    serve(perform, Job, memory=MEMORY, seconds=SECONDS)


def perform(job: Job) -> Result:
    """Remove the metadata of a file, then make its thumbnails; or replace it by a square."""
    cleaned = False
    try:
        if job.square:
            return _square(job)
        with Path(job.path).open("r+b") as file:
            tracks = _clean(job, file)
        cleaned = True
        if job.type in CLEANED_IN_PLACE or not job.thumbs:
            return Result(ok=True, cleaned=True, tracks=tracks)
        from chatserver.files.media import thumbnails

        targets = {size: Path(target) for size, target in job.thumbs.items()}
        return Result(
            ok=True, cleaned=True, **thumbnails.make(Path(job.path), targets, pixels=job.pixels)
        )
    except Exception as error:  # of any picture, also MemoryError; Pillow raises all kinds
        with suppress(OSError):  # it may have filled the disk
            Path(job.clean).unlink(missing_ok=True)
        return _failed(job, error, cleaned=cleaned)


def _failed(job: Job, error: Exception, *, cleaned: bool) -> Result:
    result = Result(ok=False, cleaned=cleaned, reason=f"{job.type}: {type(error).__name__}")
    if isinstance(error, OSError) and error.errno not in CAUSED_BY_PICTURES:
        result.failure, result.errno = Failure.STORAGE, error.errno
        result.reason += f", {error.strerror}"
    elif isinstance(error, ImportError):
        result.failure, result.reason = Failure.LIBRARY, str(error)
    return result


def _square(job: Job) -> Result:
    from chatserver.files.media import thumbnails

    thumbnails.square(Path(job.path), Path(job.clean), side=job.square, pixels=job.pixels)
    Path(job.clean).replace(job.path)
    return Result(ok=True, width=job.square, height=job.square)


def _clean(job: Job, file: BinaryIO) -> list[str]:
    """Remove the metadata; return the kinds of tracks."""
    size = os.fstat(file.fileno()).st_size
    if job.type in WEBM:
        webm.clean(file, size)
        return []
    if job.type in ISO:
        return mp4.clean(file, size)
    if not size:
        raise Malformed("it is empty")
    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as content:
        parts = CLEANED[job.type](content)
    target = Path(job.clean)
    with target.open("wb") as cleaned:
        cleaned.writelines(parts)
    target.replace(job.path)
    return []

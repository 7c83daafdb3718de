"""Check of the bucket of files by `chatserver doctor`: it is listed, written, read and cleared."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatserver.bucket_url import parse
from chatserver.commands.findings import Finding
from chatserver.config import FileSettings
from chatserver.errors import FilesUnavailable, NotFound

if TYPE_CHECKING:
    from chatserver.files.bucket import Bucket

MAX_SKEW = 60.0  # seconds; services refuse requests from 5 to 15 minutes on
CONTENT = b"chatserver doctor"


async def bucket_findings(settings: FileSettings) -> AsyncIterator[Finding]:
    """Yield whether the bucket can be used. Raises StartError without the package for S3."""
    from chatserver.files.bucket import Bucket

    url = parse(settings.url)
    bucket = Bucket(url, access_key=settings.access_key, secret_key=settings.secret_key)
    try:
        async for well, sentence in _examine(bucket):
            yield well, f"bucket {url.bucket}: {sentence}"
    except FilesUnavailable as error:
        yield False, f"bucket {url.bucket}: {error.cause}"
    finally:
        await bucket.close()


async def _examine(bucket: "Bucket") -> AsyncIterator[Finding]:
    now = await bucket.probe()
    skew = (datetime.now(UTC) - now).total_seconds() if now is not None else 0.0
    if abs(skew) > MAX_SKEW:
        side = "ahead of" if skew > 0 else "behind"
        yield False, f"this clock is {abs(skew):.0f} seconds {side} that of the S3 service"
    if await _keeps_objects(bucket):
        yield True, "can be read and written"
    else:
        yield False, "an object that was written cannot be read"
    if await bucket.is_versioned():
        yield None, "it keeps versions, so deleted files stay in it: turn versioning off"


async def _keeps_objects(bucket: "Bucket") -> bool:
    """Write, read and delete an object."""
    key = f"doctor-{secrets.token_hex(8)}"
    await bucket.put(key, CONTENT)
    try:
        found = b"".join([piece async for piece in bucket.read(key, 0, len(CONTENT))])
    except NotFound:
        return False
    finally:
        await bucket.delete(key)
    return found == CONTENT

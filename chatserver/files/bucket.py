"""A bucket of an S3 service: the only module that calls the service. Owns the client.

The client repeats requests while the service is busy or does not answer. Each request carries the
MD5 of its bytes, so that the service refuses altered ones.
"""

import asyncio
import hashlib
import logging
import os
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from aiohttp import ClientError as ConnectionFailure

from chatserver.bucket_url import BucketUrl
from chatserver.errors import FilesUnavailable, NotFound, StartError, Unavailable, _
from chatserver.files.store_health import StoreHealth
from chatserver.threads import Threads

try:
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.handlers import add_expect_header
    from botocore.parsers import ResponseParserError

    from chatserver.files.bucket_failures import cause, is_missing
except ImportError:
    raise StartError(
        "files.url needs the aiobotocore package: pip install 'chatserver-aiohttp[s3]'"
    ) from None

T = TypeVar("T")

REQUEST_BYTES = 8 * 2**20  # of a file that are sent in one request, and held in memory
MAX_PARTS = 10_000  # of one object
SENDERS = 2  # requests that hold a part in memory at the same time
CONNECTIONS = 1_000  # each download holds one
CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 20.0  # seconds without a byte
ATTEMPTS = 3  # of one request
CALL_TIMEOUT = 60.0  # seconds for a request with all its attempts, until its answer begins
MAX_CUTS = 3  # interruptions of a download without a byte in between
RETRY_DELAY = 0.5  # seconds, multiplied by the number of interruptions
READ_SIZE = 2**18  # bytes that are read at once
PAGE = 50  # keys of one answer: parsing 1,000 takes the event loop up to half a second

FAILURES = (
    *(BotoCoreError, ClientError, ResponseParserError),
    RecursionError,  # the client follows redirects, also one that leads to itself
    *(ConnectionFailure, OSError, TimeoutError),
)

logger = logging.getLogger(__name__)


class Stored(NamedTuple):
    """An object: its key without the prefix of the URL, and its size in bytes."""

    key: str
    size: int


class Bucket:
    """Reads and writes objects. Methods raise NotFound for a missing one, else FilesUnavailable."""

    def __init__(self, url: BucketUrl, *, access_key: str = "", secret_key: str = "") -> None:
        """Without keys the client looks for credentials where all AWS programs do."""
        self.url = url
        self.health = StoreHealth()
        self._keys = {"aws_access_key_id": access_key or None}
        self._keys["aws_secret_access_key"] = secret_key or None
        self._client: Any = None
        self._opened = AsyncExitStack()
        self._opening: asyncio.Task[Any] | None = None
        self._senders = asyncio.Semaphore(SENDERS)
        self._threads = Threads(SENDERS, "bucket")

    async def close(self) -> None:
        if self._opening is not None:
            await asyncio.wait([self._opening])
        await self._opened.aclose()

    async def _ready_client(self) -> Any:
        """Return the client, created once even if the first request is cancelled meanwhile."""
        if self._client is None:
            if self._opening is None or self._opening.done():
                self._opening = asyncio.create_task(self._open())
            self._client = await asyncio.shield(self._opening)
        return self._client

    async def _open(self) -> Any:
        client = await self._opened.enter_async_context(self._new_client())
        # Its "Expect: 100-continue" costs a round trip, and has no time limit in aiohttp.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        return client

    def _new_client(self) -> Any:
        config = AioConfig(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return _session().create_client(
            "s3",
            endpoint_url=self.url.endpoint,
            region_name=self.url.region,
            verify=self.url.ssl_ca,
            config=config,
            **self._keys,
        )

    # Writing --------------------------------------------------------------------------------------

    async def put(self, key: str, content: bytes) -> None:
        """Store a small object."""
        digest = await self._in_thread(_md5, content)
        await self._call("put_object", Key=self._whole(key), Body=content, ContentMD5=digest)

    async def put_range(self, key: str, path: Path, start: int, size: int) -> None:
        """Store bytes of a file as an object."""
        async with self._senders:
            await self.put(key, await self._in_thread(_read, path, start, size))

    async def upload(self, key: str, path: Path) -> None:
        """Store a file as an object. It appears when it is complete."""
        size = (await self._in_thread(path.stat)).st_size
        if size <= REQUEST_BYTES:
            await self.put_range(key, path, 0, size)
            return
        target = {"Key": self._whole(key)}
        target["UploadId"] = (await self._call("create_multipart_upload", **target))["UploadId"]
        try:
            parts = await self._send_parts(target, path, size)
            await self._join(key, size, target | {"MultipartUpload": parts})
        except Exception:
            with suppress(FilesUnavailable, NotFound):  # a sweep repeats it
                await self._call("abort_multipart_upload", **target)
            raise

    async def _join(self, key: str, size: int, upload: dict[str, Any]) -> None:
        """Make the parts an object. That may succeed although the answer is late or lost."""
        try:
            await self._call("complete_multipart_upload", **upload)
        except (FilesUnavailable, NotFound) as error:
            if await self.size(key) == size:
                return
            if isinstance(error, NotFound):  # another error would be taken for that of the file
                raise FilesUnavailable("the S3 service has lost an upload") from error
            raise

    async def _send_parts(self, target: dict[str, str], path: Path, size: int) -> dict[str, Any]:
        step = max(REQUEST_BYTES, -(-size // MAX_PARTS))
        parts = []
        for number, start in enumerate(range(0, size, step), 1):
            async with self._senders:
                body = await self._in_thread(_read, path, start, min(step, size - start))
                digest = await self._in_thread(_md5, body)
                sent = {"PartNumber": number, "Body": body, "ContentMD5": digest}
                answer = await self._call("upload_part", **target, **sent)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        return {"Parts": parts}

    async def delete(self, key: str) -> None:
        """Delete an object, if it exists."""
        await self._call("delete_object", Key=self._whole(key))

    async def abort_uploads(self, prefix: str = "", *, older: timedelta | None = None) -> None:
        """Discard parts of objects that were not completed, of this age if it is given."""
        wanted = {"Prefix": self._whole(prefix)}
        found = (await self._call("list_multipart_uploads", **wanted)).get("Uploads", [])
        for upload in found:
            begun = upload["Initiated"]
            if older is None or datetime.now(begun.tzinfo) - begun > older:
                target = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                with suppress(NotFound):
                    await self._call("abort_multipart_upload", **target)

    # Reading --------------------------------------------------------------------------------------

    async def size(self, key: str) -> int | None:
        """Return the size of an object in bytes; None if there is none."""
        try:
            answer = await self._call("head_object", Key=self._whole(key))
        except NotFound:
            return None
        return int(answer["ContentLength"])

    async def read(self, key: str, start: int, end: int) -> AsyncGenerator[bytes]:
        """Yield the bytes from `start` to `end`. A stream that is cut is continued."""
        cuts = 0
        while start < end:
            try:
                async with aclosing(self._stream(key, start, end)) as stream:
                    async for piece in stream:
                        start, cuts = start + len(piece), 0
                        yield piece
            except FAILURES as error:
                cuts += 1
                if cuts > MAX_CUTS:
                    raise self._failed(error) from error
                await asyncio.sleep(cuts * RETRY_DELAY)

    async def _stream(self, key: str, start: int, end: int) -> AsyncGenerator[bytes]:
        wanted = {"Key": self._whole(key), "Range": f"bytes={start}-{end - 1}"}
        answer = await self._call("get_object", **wanted)
        body = answer["Body"]
        async with body:
            while piece := await body.read(READ_SIZE):
                yield piece

    async def list(self, prefix: str = "") -> AsyncIterator[list[Stored]]:
        """Yield the objects whose keys begin so, in order of their keys, in batches."""
        wanted = {"Prefix": self._whole(prefix), "MaxKeys": PAGE}
        while True:
            answer = await self._call("list_objects_v2", **wanted)
            cut = len(self.url.prefix)
            yield [Stored(one["Key"][cut:], one["Size"]) for one in answer.get("Contents", [])]
            if not answer.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = answer["NextContinuationToken"]

    async def probe(self) -> datetime | None:
        """Require that the bucket can be listed; return the time of the service.

        Unlike that to a HEAD request, an answer to this one names the cause of a failure.
        """
        answer = await self._call("list_objects_v2", Prefix=self.url.prefix, MaxKeys=1)
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return None if date is None else parsedate_to_datetime(date)

    async def is_versioned(self) -> bool:
        """Return whether deleted objects stay in the bucket; False if the service does not say."""
        try:
            answer = await self._call("get_bucket_versioning")
        except (FilesUnavailable, NotFound):
            return False
        return str(answer.get("Status")) == "Enabled"

    # Requests -------------------------------------------------------------------------------------

    def _whole(self, key: str) -> str:
        return self.url.prefix + key

    async def _call(self, operation: str, **parameters: Any) -> Any:
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                request = getattr(await self._ready_client(), operation)
                answer = await request(Bucket=self.url.bucket, **parameters)
        except FAILURES as error:
            if isinstance(error, ClientError) and is_missing(error):
                self.health.succeeded()
                raise NotFound from None
            raise self._failed(error) from error
        self.health.succeeded()
        return answer

    async def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            return await self._threads.run(work, *arguments)
        except FileNotFoundError:  # it was deleted in the meantime
            raise NotFound from None
        except OSError as error:
            raise Unavailable(_("The server cannot read files right now.")) from error

    def _failed(self, error: Exception) -> FilesUnavailable:
        found = cause(error)
        self.health.failed(found.reason)
        return FilesUnavailable(found.reason, may_pass=found.may_pass)


@cache
def _session() -> Any:
    """Return the session of the process: it keeps the description of S3, which is slow to load."""
    return get_session()


def _read(path: Path, start: int, size: int) -> bytes:
    with path.open("rb", buffering=0) as file:
        content = os.pread(file.fileno(), size, start)
    if len(content) < size:
        raise OSError(f"{path.name} became shorter")
    return content


def _md5(content: bytes) -> str:
    """Return the digest in the form of Content-MD5 (RFC 1864); it detects errors, not attacks."""
    return b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()

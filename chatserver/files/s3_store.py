"""Files in a bucket, which several nodes share. Their bytes pass through the server."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from chatserver.errors import FilesUnavailable, NotFound
from chatserver.files.bucket import Bucket
from chatserver.files.copies import Copies
from chatserver.files.folder_names import COMPLETE_SUFFIXES, UNREGISTERED_SUFFIX
from chatserver.files.folder_store import FolderStore
from chatserver.files.s3_uploads import S3Uploads, existing_size, object_key
from chatserver.files.shared_parts import PARTS_FOLDER
from chatserver.files.store import RemoteFile, check_size

ABANDONED_AGE = timedelta(days=2)  # age of uploads to the bucket that no node continues
ANSWER_TIMEOUT = 10.0  # seconds until a user who wants to read gets an error
PROBE_INTERVAL = 30.0  # seconds without a request after which the bucket is checked
RETRY_INTERVAL = 5.0  # seconds between two checks of a bucket that cannot be used

_KEY = re.compile(r"(..)/(..)/(?P<id>\1\2[A-Za-z0-9_-]{18})(?P<suffix>\..*)?")


class S3Store:
    """Files in a bucket: `ab/cd/abcd…` below the prefix, as in a folder."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        """`folder`: where uploads to this node arrive."""
        self._bucket = bucket
        self._arriving = FolderStore(folder)
        self._copies = Copies(folder)
        self.uploads = S3Uploads(bucket, self._arriving)

    @property
    def failure(self) -> str:
        return self._bucket.health.reason

    async def prepare(self, known: Sequence[str]) -> None:
        """Do nothing: the name of the bucket is configured."""

    async def close(self) -> None:
        await self._bucket.close()

    async def watch(self) -> None:
        """Check the bucket while nothing else does, so that its state is known."""
        while True:
            if self.failure or self._bucket.health.age >= PROBE_INTERVAL:
                with suppress(FilesUnavailable, NotFound):
                    await self._bucket.probe()
            await asyncio.sleep(RETRY_INTERVAL)

    # Complete files -------------------------------------------------------------------------------

    async def require(
        self, file_id: str, suffix: str = "", *, size: int | None = None
    ) -> RemoteFile:
        key = object_key(file_id, suffix)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                found = await existing_size(self._bucket, key)
        except TimeoutError:
            raise FilesUnavailable("the S3 service does not answer in time") from None
        check_size(file_id, found, size)
        return RemoteFile(found, lambda start, end: self._bucket.read(key, start, end))

    @asynccontextmanager
    async def local_path(self, file_id: str, limit: int) -> AsyncIterator[Path]:
        file = await self.require(file_id)
        content = aclosing(file.read(0, min(limit, file.size)))
        async with content as pieces, self._copies.write(file_id, pieces) as path:
            yield path

    async def export(self, file_id: str) -> AsyncIterator[Path]:
        stored = {
            one.key: one.size
            async for some in self._bucket.list(object_key(file_id))
            for one in some
        }
        if object_key(file_id) not in stored:
            return
        for suffix in COMPLETE_SUFFIXES:
            if (size := stored.get(object_key(file_id, suffix))) is not None:
                content = self._bucket.read(object_key(file_id, suffix), 0, size)
                async with self._copies.write(file_id + suffix, content) as path:
                    yield path

    async def digest(self, file_id: str) -> tuple[str, int]:
        found = hashlib.sha256()
        size = await existing_size(self._bucket, object_key(file_id))
        async for piece in self._bucket.read(object_key(file_id), 0, size):
            found.update(piece)
        return found.hexdigest(), size

    async def add(self, file_id: str, suffix: str, pieces: Iterator[bytes]) -> bool:
        key = object_key(file_id, suffix)
        is_new = await self._bucket.size(key) is None
        async with self._copies.write_blocking(file_id + suffix, pieces) as path:
            await self._bucket.upload(key, path)
        return is_new

    async def remove(self, file_id: str, suffix: str) -> None:
        await self._bucket.delete(object_key(file_id, suffix))

    async def delete(self, file_id: str) -> None:
        await self._arriving.delete(file_id)
        own = object_key(file_id)
        keys = [one.key async for some in self._bucket.list(own) for one in some]
        for key in sorted(keys, key=own.__eq__):  # the file itself goes last
            await self._bucket.delete(key)
        await self._bucket.abort_uploads(own)

    # Maintenance ----------------------------------------------------------------------------------

    async def ids(self) -> AsyncIterator[list[str]]:
        async for ids in self._arriving.ids():
            yield ids
        async for names in self._names():
            yield sorted({file_id for file_id, _suffix in names})

    async def complete_ids(self) -> AsyncIterator[list[str]]:
        async for names in self._names():
            yield [file_id for file_id, suffix in names if not suffix]

    async def exists(self, file_id: str) -> bool:
        if await self._arriving.exists(file_id):
            return True
        return any([some async for some in self._bucket.list(object_key(file_id))])

    async def _names(self) -> AsyncIterator[list[tuple[str, str]]]:
        """Yield ids and suffixes of all objects; others in the bucket are ignored."""
        async for stored in self._bucket.list():
            keys = [found for one in stored if (found := _KEY.fullmatch(one.key))]
            yield [(key["id"], key["suffix"] or "") for key in keys]

    async def note_unregistered(self, file_id: str) -> int | None:
        if await self._bucket.size(object_key(file_id)) is None:
            return None
        notes = object_key(file_id, UNREGISTERED_SUFFIX)
        count = (await self._bucket.size(notes) or 0) + 1
        await self._bucket.put(notes, b"." * count)
        return count

    async def tidy(self, uploading: Callable[[list[str]], Awaitable[set[str]]]) -> None:
        async for ids in self._arrived_ids():
            for file_id in sorted({*ids} - await uploading(ids) - self.uploads.completing):
                await self.uploads.drop(file_id)
        await self._bucket.abort_uploads(older=ABANDONED_AGE)
        await self._copies.remove_old()

    async def _arrived_ids(self) -> AsyncIterator[list[str]]:
        async for ids in self._arriving.ids():
            yield ids
        async for names in self._names():
            yield sorted({file_id for file_id, suffix in names if suffix.startswith(PARTS_FOLDER)})

"""Uploads to a bucket: they arrive in a folder of the node, and become objects when complete.

So that another node can continue an upload, what has arrived is copied into the bucket when a
request ends before the last byte, and within a long request. The copies are deleted before the
upload is answered, because they still have the metadata.

Several nodes may complete the same upload at the same time. The register decides beforehand whose
bytes become the object, in case that a client sent different ones. Owns which uploads this node is
completing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

from chatserver.errors import ChatError, FilesUnavailable, NotFound
from chatserver.files.bucket import Bucket
from chatserver.files.folder_names import COMPLETE_SUFFIXES, PART_SUFFIX, SEALED_SUFFIX
from chatserver.files.folder_store import FolderStore
from chatserver.files.pace import Piece
from chatserver.files.part import Checksum, Locked, WrongChecksum
from chatserver.files.shared_parts import SharedParts
from chatserver.files.store import Space

SHARE_INTERVAL_BYTES = 32 * 2**20  # bytes of a request after which they are copied for other nodes
MIN_SHARED_BYTES = 2**18  # of an upload; fewer are sent again if another node continues it
MAX_SHARES = 64  # such copies of an upload, all of which are listed at every request
SHARING_TIME = 10.0  # seconds for it: the sender waits


class S3Uploads:
    """Receives the bytes of files, and makes complete ones objects of the bucket."""

    is_shared = False

    def __init__(self, bucket: Bucket, folder: FolderStore) -> None:
        """`folder`: where uploads to this node arrive."""
        self._bucket = bucket
        self._folder = folder
        self._arriving = folder.uploads
        self._shared = SharedParts(bucket)
        self.completing = set[str]()  # on this node

    def path(self, file_id: str, suffix: str = "") -> Path:
        return self._arriving.path(file_id, suffix)

    async def space(self) -> Space:
        return await self._arriving.space()

    async def create(self, file_id: str) -> None:
        if reason := self._bucket.health.reason:  # fail before the client sends the body
            raise FilesUnavailable(reason)
        await self._arriving.create(file_id)

    async def size(self, file_id: str, *, limit: int | None = None) -> int | None:
        here = await self._size_here(file_id)
        if here is not None and here == limit:  # to be completed here, so nothing is copied
            return here
        if here is None or await self._bucket.size(object_key(file_id)) is not None:
            return None
        return await self._copy(file_id, here, limit or 0)

    async def _size_here(self, file_id: str) -> int | None:
        """Return the number of bytes on this node; None if the file is sealed here."""
        try:
            return await self._arriving.size(file_id)
        except NotFound:  # another node has received the bytes
            return 0

    async def append(
        self,
        file_id: str,
        offset: int,
        pieces: AsyncIterator[Piece],
        *,
        limit: int,
        checksum: Checksum | None = None,
    ) -> int:
        await self._fetch(file_id, offset)
        shared = self._sharing(file_id, pieces, limit, verified=checksum is None)
        try:
            async with aclosing(shared) as some:
                size = await self._arriving.append(
                    file_id, offset, some, limit=limit, checksum=checksum
                )
        except WrongChecksum:
            await self._shared.drop(object_key(file_id), beyond=offset)
            raise
        except ChatError:
            await self._share(file_id, limit)
            raise
        if size < limit:
            await self._share(file_id, limit)
        return size

    async def _sharing(
        self, file_id: str, pieces: AsyncIterator[Piece], limit: int, *, verified: bool
    ) -> AsyncGenerator[Piece]:
        """Yield the pieces, and copy them for other nodes now and then."""
        waiting = 0
        async for piece in pieces:
            yield piece
            waiting += len(piece)
            if waiting >= SHARE_INTERVAL_BYTES and verified:
                waiting = 0
                await self._share(file_id, limit)

    async def _share(self, file_id: str, limit: int) -> None:
        """Copy what has arrived here into the bucket, unless that fails: this node has it."""
        if self._bucket.health.reason:
            return
        with suppress(ChatError, TimeoutError):
            async with asyncio.timeout(SHARING_TIME):
                if here := await self._size_here(file_id):
                    await self._copy(file_id, here, limit)

    async def _copy(self, file_id: str, size: int, limit: int) -> int:
        """Copy what has arrived here into the bucket, if it is enough; return how much there is."""
        key, shared = object_key(file_id), await self._shared.end(object_key(file_id))
        if size - shared >= max(MIN_SHARED_BYTES, limit // MAX_SHARES):
            await self._shared.extend(key, self.path(file_id, PART_SUFFIX), shared, size)
        return max(size, shared)

    async def _fetch(self, file_id: str, size: int) -> None:
        """Bring the first bytes here, as far as another node has received them."""
        try:
            here = await self._arriving.size(file_id)
        except NotFound:
            await self._arriving.create(file_id)
            here = 0
        if here is not None and here < size:
            missing = self._shared.read(object_key(file_id), here, size)
            await self._arriving.append(file_id, here, missing, limit=size)

    @asynccontextmanager
    async def lock_completion(self, file_id: str) -> AsyncIterator[None]:
        if file_id in self.completing:
            raise Locked
        self.completing.add(file_id)
        try:
            yield
        finally:
            self.completing.remove(file_id)

    async def seal(self, file_id: str, size: int) -> str:
        if await self._size_here(file_id) not in (None, size):
            stored = await self._bucket.size(object_key(file_id))
            if stored is None:
                await self._fetch(file_id, size)
            else:  # a node has stored the object, and has ended before it was registered
                await self._fetch_object(file_id, stored)
                size = stored
        return await self._arriving.seal(file_id, size)

    async def _fetch_object(self, file_id: str, size: int) -> None:
        await self._folder.delete(file_id)
        await self._arriving.create(file_id)
        content = self._bucket.read(object_key(file_id), 0, size)
        await self._arriving.append(file_id, 0, content, limit=size)

    async def head(self, file_id: str, suffix: str, count: int) -> bytes:
        return await self._arriving.head(file_id, suffix, count)

    async def digest(
        self, file_id: str, suffix: str, *, unchanged: bool = False
    ) -> tuple[str, int]:
        return await self._arriving.digest(file_id, suffix, unchanged=unchanged)

    async def commit(self, file_id: str) -> None:
        if self.path(file_id, SEALED_SUFFIX).exists():
            for suffix in COMPLETE_SUFFIXES:  # the file itself goes last
                path = self.path(file_id, suffix or SEALED_SUFFIX)
                if path.exists():
                    await self._bucket.upload(object_key(file_id, suffix), path)
        else:
            await existing_size(self._bucket, object_key(file_id))
        await self.drop(file_id)

    async def drop(self, file_id: str) -> None:
        """Delete what has arrived of a file, here and for other nodes."""
        await self._shared.drop(object_key(file_id))
        await self._folder.delete(file_id)


def object_key(file_id: str, suffix: str = "") -> str:
    """Return the key of a file or thumbnail, as its path in a folder."""
    return f"{file_id[:2]}/{file_id[2:4]}/{file_id}{suffix}"


async def existing_size(bucket: Bucket, key: str) -> int:
    """Return the size of an object. Raises NotFound without it."""
    size = await bucket.size(key)
    if size is None:
        raise NotFound
    return size

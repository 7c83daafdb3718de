"""Reception of profile pictures and of the logo: they become squares in WebP, without metadata."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatserver.errors import BadRequest, TooLarge, _
from chatserver.files.media_processor import SQUARE_SIDE, MediaProcessor
from chatserver.files.pace import Piece
from chatserver.files.store import UploadArea
from chatserver.files.uploads import Uploads
from chatserver.models import User
from chatserver.storage.files import Content, StoredFile
from chatserver.storage.picture_rows import NewPicture

MEGABYTES = 10  # of an upload
TYPE = "image/webp"
NAME = "picture.webp"


class SquarePictures:
    """Receives pictures within the limits and quotas of uploads."""

    def __init__(self, uploads: Uploads, area: UploadArea, media: MediaProcessor) -> None:
        self._uploads = uploads
        self._area = area
        self._media = media

    @asynccontextmanager
    async def receiving(
        self, user: User, size: int, pieces: AsyncIterator[Piece]
    ) -> AsyncIterator[NewPicture]:
        """Receive a picture of `size` bytes that will be `user`'s. The block has to keep it.

        It is discarded if the block fails. Raises BadRequest, and what `Uploads` raises.
        """
        if size > MEGABYTES * 2**20:
            raise TooLarge(_("Pictures can be at most %(count)d MB."), count=MEGABYTES)
        file = await self._uploads.begin(user, NAME, size)
        async with self._uploads.discarding(file):
            await self._uploads.receive_all(file, pieces)
            yield NewPicture(file.id, await self._cropped(file))

    async def _cropped(self, file: StoredFile) -> Content:
        """Return the content of a file that is on disk as a square."""
        suffix = await self._area.seal(file.id, file.bytes)
        if not await self._media.crop(file.id, suffix, user_id=file.user_id):
            raise BadRequest(_("The server cannot read this picture. Use JPEG, PNG, GIF or WebP."))
        sha256, size = await self._area.digest(file.id, suffix)
        await self._area.commit(file.id)
        return Content(TYPE, size, sha256, SQUARE_SIDE, SQUARE_SIDE)

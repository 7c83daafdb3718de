"""HTTP API of files: upload in one request, download, thumbnails, the files of a room."""

from functools import partial
from typing import Annotated, Any

from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType

from chatserver import protocol
from chatserver.errors import NotFound
from chatserver.files.service import FileService
from chatserver.files.store import THUMBS
from chatserver.files.uploads import MAX_ALT
from chatserver.storage.file_list import FileKind, RoomFile, Selection
from chatserver.storage.files import Sound, StoredFile, file_fields
from chatserver.storage.rooms import Rooms
from chatserver.web import forms
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.file_body import send_file
from chatserver.web.operations import operation
from chatserver.web.query import parse_query
from chatserver.web.request_body import body_of, declared_size
from chatserver.web.responses import files as responses
from chatserver.web.responses import ok
from chatserver.web.room_path import RoomPaths

# A request line has at most 8,190 bytes, and a character up to 12 of them.
Name = Annotated[str, Meta(max_length=255)]
Alt = Annotated[str, Meta(max_length=MAX_ALT)]


class SoundFields(Struct):
    """What a sender says about a sound file; see protocol.File."""

    seconds: protocol.Seconds | UnsetType = UNSET
    wave: protocol.Wave | UnsetType = UNSET

    def sound(self) -> Sound:
        """Return what is stored."""
        seconds = None if self.seconds is UNSET else round(self.seconds, 2)
        return Sound(seconds, None if self.wave is UNSET else self.wave)


class UploadQuery(SoundFields):
    name: Name = ""
    room: Annotated[str, Meta(max_length=100)] = ""
    alt: Alt = ""


class DownloadQuery(Struct):
    w: int | UnsetType = UNSET
    download: bool = False


class ListQuery(Struct):
    kind: FileKind | None = None
    q: Name = ""
    before: protocol.PositiveInt | None = None
    after: protocol.Position | None = None
    position: protocol.Position | None = None
    limit: protocol.Limit = protocol.DEFAULT_LIMIT


class Description(Struct):
    alt: Alt


class FileHandlers:
    """Handlers of files."""

    def __init__(
        self,
        *,
        files: FileService,
        rooms: Rooms,
        paths: RoomPaths,
        authenticator: RequestAuthenticator,
    ) -> None:
        self._uploads = files.uploads
        self._access = files.access
        self._listing = files.listing
        self._store = files.store
        self._rooms = rooms
        self._paths = paths
        self._authenticator = authenticator

    @operation(
        "POST",
        "/api/files",
        "upload",
        rate="changes",
        returns=responses.OneFile,
        query=UploadQuery,
        refuses="not_found",
        created=True,
        streams=True,
    )
    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Upload a file, the body as it is, and send its id in a message.

        An upload that is in no message expires after `files.unsent_hours`. With `room` only
        messages of that room can have it. `seconds` and `wave` make sound a voice message.
        """
        query, size = parse_query(request, UploadQuery), declared_size(request)
        user = await self._paths.user(request)
        room = await self._paths.number(query.room, user) if query.room else None
        file = await self._uploads.begin(
            user, query.name, size, room=room, alt=query.alt, sound=query.sound()
        )
        async with self._uploads.discarding(file):
            await self._uploads.receive_all(file, body_of(request))
            await self._authenticator.authenticate_again(request)
            file = await self._uploads.complete(file)
        return ok(status=201, file=file_fields(file))

    @operation(
        "GET",
        "/api/files/{file}",
        "file",
        rate="reads",
        returns=responses.OneFile,
    )
    async def file(self, request: web.Request) -> web.StreamResponse:
        """Describe a file that the user may read."""
        return ok(file=file_fields(await self._readable(request)))

    @operation(
        "PATCH",
        "/api/files/{file}",
        "describe_file",
        rate="changes",
        returns=responses.OneFile,
        body=Description,
    )
    async def describe(self, request: web.Request) -> web.StreamResponse:
        """Set the alternative text of a file that is in no message yet."""
        form = await forms.read(request, Description)
        user = await self._paths.user(request)
        file = await self._uploads.describe(user, request.match_info["file"], form.alt)
        return ok(file=file_fields(file))

    @operation("DELETE", "/api/files/{file}", "discard_file", rate="changes")
    async def discard(self, request: web.Request) -> web.StreamResponse:
        """Delete a file that is in no message yet."""
        user = await self._paths.user(request)
        await self._uploads.discard(user, request.match_info["file"])
        return ok()

    @operation(
        "GET",
        "/files/{file}/thumb",
        "thumbnail",
        rate="downloads",
        query=DownloadQuery,
        media="file",
    )
    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        """Get a picture as WebP, its longer side 480 or 1,600 pixels (`w`)."""
        size = parse_query(request, DownloadQuery).w
        if size is UNSET:
            return await self.download(request)  # a file of that name
        async with self._authenticator.authenticate_download(request):
            file = await self._readable(request)
            if size not in THUMBS or file.width is None:
                raise NotFound
            return await send_file(
                request,
                await self._store.require(file.id, f".{size}"),
                check=partial(self._readable, request),
                tag=f"{file.sha256}-{size}",
                kind="image/webp",
                name=f"{file.name}.webp",
            )

    @operation(
        "GET",
        "/files/{file}/{filename}",
        "download",
        rate="downloads",
        query=DownloadQuery,
        media="file",
    )
    async def download(self, request: web.Request) -> web.StreamResponse:
        """Get the content of a file, or a range of it."""
        query = parse_query(request, DownloadQuery)
        async with self._authenticator.authenticate_download(request):
            file = await self._readable(request)
            return await send_file(
                request,
                await self._store.require(file.id, size=file.bytes),
                check=partial(self._readable, request),
                tag=str(file.sha256),
                kind=file.type,
                name=file.name,
                download=query.download,
            )

    async def _readable(self, request: web.Request) -> StoredFile:
        user = await self._paths.user(request)
        return await self._access.file(user, request.match_info["file"])

    @operation(
        "GET",
        "/api/rooms/{room}/files",
        "room_files",
        rate="reads",
        returns=responses.FilePage,
        query=ListQuery,
    )
    async def room_files(self, request: web.Request) -> web.StreamResponse:
        """List the files of a room, newest first.

        `kind` selects, and `q`: words in names and descriptions. `before` and `after` are the seq
        of messages; with `after` the oldest files come first.
        """
        async with self._authenticator.authenticate_query(request, heavy=True) as user:
            room = await self._paths.room(request, user)
            query = parse_query(request, ListQuery)
            access = (await self._rooms.readable(user.id, [room])).get(room)
            if access is None:
                raise NotFound
            selection = Selection(
                kind=query.kind,
                words=query.q,
                before=query.before,
                after=query.after,
                position=query.position,
                left_seq=access.left_seq,
            )
            found, position = await self._listing.page(room, selection, query.limit)
        shown = [_room_file_fields(file) for file in found]
        return ok(room=room, files=shown, more=position is not None, position=position)


def _room_file_fields(file: RoomFile) -> dict[str, Any]:
    return file_fields(file) | {"seq": file.seq, "user": file.user, "at": file.at}

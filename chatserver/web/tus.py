"""Resumable uploads: tus 1.0.0 (https://tus.io/protocols/resumable-upload) at /api/uploads.

With the extensions creation, expiration, termination and checksum. After a cut a client resumes at
the offset that HEAD returns. The operations are not in OpenAPI (`documented=False`): tus has status
codes that this server's description does not model.
"""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from functools import wraps
from typing import Any

from aiohttp import web

from chatserver.errors import BadRequest, ChatError, TooLarge, UnsupportedMedia, _
from chatserver.files.part import Checksum, Locked, WrongChecksum, WrongOffset
from chatserver.files.uploads import Uploads
from chatserver.models import User
from chatserver.storage.files import StoredFile
from chatserver.web import time_limit
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.files import SoundFields
from chatserver.web.headers import HttpError, media_type
from chatserver.web.operations import operation
from chatserver.web.query import convert
from chatserver.web.request_body import body_of, declared_size
from chatserver.web.room_path import RoomPaths

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination,checksum"
ALGORITHMS = ("sha1", "sha256")
CONTENT_TYPE = "application/offset+octet-stream"
MAX_METADATA = 16_384  # characters

Handler = Callable[..., Awaitable[web.StreamResponse]]


class TusError(HttpError):
    headers: Mapping[str, str] = {"Tus-Resumable": VERSION}


class OtherVersion(TusError):
    code, status, text = "bad_request", 412, _("Only tus 1.0.0 is supported.")
    headers: Mapping[str, str] = {"Tus-Resumable": VERSION, "Tus-Version": VERSION}


class OffsetConflict(TusError):
    code, status, text = "conflict", 409, WrongOffset.text


class UploadLocked(TusError):
    code, status, text = "conflict", 423, Locked.text


class ChecksumMismatch(TusError):
    code, status, text = "bad_request", 460, WrongChecksum.text


STATUS: dict[type[ChatError], type[TusError]] = {
    WrongOffset: OffsetConflict,
    Locked: UploadLocked,
    WrongChecksum: ChecksumMismatch,
}


def _tus(handler: Handler) -> Handler:
    """Require the version of the protocol, and convert errors to its status codes."""

    @wraps(handler)
    async def checked(self: Any, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Tus-Resumable") != VERSION:
            raise OtherVersion
        try:
            return await handler(self, request)
        except tuple(STATUS) as error:
            raise STATUS[type(error)] from None

    return checked


class TusHandlers:
    """Handlers of resumable uploads."""

    def __init__(
        self, *, uploads: Uploads, paths: RoomPaths, authenticator: RequestAuthenticator
    ) -> None:
        self._uploads = uploads
        self._paths = paths
        self._authenticator = authenticator

    @operation(
        "OPTIONS",
        "/api/uploads",
        "upload_options",
        rate="anonymous",
        access="anyone",
        media="empty",
        stores=False,
        documented=False,
    )
    async def options(self, _request: web.Request) -> web.StreamResponse:
        """What this server supports of tus, a protocol for uploads that continue after a cut."""
        return _empty(
            204,
            {
                "Tus-Version": VERSION,
                "Tus-Extension": EXTENSIONS,
                "Tus-Max-Size": str(self._uploads.largest),
                "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            },
        )

    @operation(
        "POST",
        "/api/uploads",
        "begin_upload",
        rate="changes",
        media="empty",
        created=True,
        documented=False,
    )
    @_tus
    async def begin(self, request: web.Request) -> web.StreamResponse:
        """Begin an upload; `Upload-Metadata` has `filename`, and if wanted `room`, `alt`, `seconds`
        and `wave`.
        """
        user = await self._paths.user(request)
        fields = metadata(request.headers.get("Upload-Metadata", ""))
        room = await self._paths.number(named, user) if (named := fields.get("room")) else None
        file = await self._uploads.begin(
            user,
            fields.get("filename") or fields.get("name", ""),
            _number(request, "Upload-Length"),
            room=room,
            alt=fields.get("alt", ""),
            sound=convert(fields, SoundFields).sound(),
        )
        url = request.app.router["continue_upload"].url_for(file=file.id)
        return _empty(201, {"Location": str(url), **self._expiry(file)})

    @operation(
        "HEAD",
        "/api/uploads/{file}",
        "upload_offset",
        rate="reads",
        media="empty",
        documented=False,
    )
    @_tus
    async def offset(self, request: web.Request) -> web.StreamResponse:
        """Ask in `Upload-Offset` how many bytes have arrived."""
        user, file = await self._upload(request)
        time_limit.lift(request)
        offset = await self._uploads.offset(file)
        time_limit.restore(request)
        file = await self._uploads.find(user, file.id)  # its size without metadata
        headers = {"Upload-Offset": str(offset), "Upload-Length": str(file.bytes)}
        return _empty(200, headers | self._expiry(file))

    @operation(
        "PATCH",
        "/api/uploads/{file}",
        "continue_upload",
        rate="changes",
        media="empty",
        streams=True,
        documented=False,
    )
    @_tus
    async def append(self, request: web.Request) -> web.StreamResponse:
        """Send the bytes from `Upload-Offset` on. The last ones complete the file."""
        if media_type(request)[0] != CONTENT_TYPE:
            raise UnsupportedMedia(_("Content-Type must be %(type)s."), type=CONTENT_TYPE)
        offset, size = _number(request, "Upload-Offset"), declared_size(request)
        checksum = _checksum(request)
        _user, file = await self._upload(request)
        if offset + size > file.bytes:
            raise TooLarge
        done = await self._uploads.receive(file, offset, body_of(request), checksum=checksum)
        if done == file.bytes:
            await self._authenticator.authenticate_again(request)
            file = await self._uploads.complete(file)
        return _empty(204, {"Upload-Offset": str(done), **self._expiry(file)})

    @operation(
        "DELETE",
        "/api/uploads/{file}",
        "end_upload",
        rate="changes",
        media="empty",
        documented=False,
    )
    @_tus
    async def terminate(self, request: web.Request) -> web.StreamResponse:
        """Delete an upload that is in no message yet."""
        user = await self._paths.user(request)
        await self._uploads.discard(user, request.match_info["file"])
        return _empty(204, {})

    async def _upload(self, request: web.Request) -> tuple[User, StoredFile]:
        user = await self._paths.user(request)
        return user, await self._uploads.find(user, request.match_info["file"])

    def _expiry(self, file: StoredFile) -> dict[str, str]:
        end = (file.at + self._uploads.lifetime) / 1000
        return {"Upload-Expires": formatdate(end, usegmt=True)}


def _empty(status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, headers={"Tus-Resumable": VERSION, **headers})


def metadata(field: str) -> dict[str, str]:
    """Parse Upload-Metadata: keys with values in base64. Raises BadRequest."""
    found = {}
    try:
        for pair in filter(None, map(str.strip, field[:MAX_METADATA].split(","))):
            key, _space, value = pair.partition(" ")
            found[key] = b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadRequest(
            _("Upload-Metadata is malformed: it has pairs of a key and a value in base64.")
        ) from None
    return found


def _checksum(request: web.Request) -> Checksum | None:
    """Parse Upload-Checksum. Raises BadRequest."""
    field = request.headers.get("Upload-Checksum")
    if field is None:
        return None
    algorithm, _space, digest = field.strip().partition(" ")
    try:
        if algorithm in ALGORITHMS:
            return Checksum(algorithm, b64decode(digest, validate=True))
    except binascii.Error:
        pass
    raise BadRequest(_("Upload-Checksum must be sha1 or sha256, a space and the digest in base64."))


def _number(request: web.Request, name: str) -> int:
    """Return a header field with a number. Raises BadRequest."""
    field = request.headers.get(name, "")
    if not field.isascii() or not field.isdigit() or len(field) > 16:
        raise BadRequest(_("%(name)s must be a number of bytes."), name=name)
    return int(field)

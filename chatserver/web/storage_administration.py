"""HTTP API of the space that files use, for administrators."""

from aiohttp import web

from chatserver.config import FileSettings
from chatserver.files.removal import FileRemoval
from chatserver.files.service import FileService
from chatserver.storage.file_usage import FileUsage
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.operations import operation
from chatserver.web.responses import administration, ok

LISTED_ROOMS = LISTED_USERS = 20
LISTED_FILES = 50
NO_USER = 0  # id of no user: the operator is no member of any room


class StorageHandlers:
    """Handlers of the space for files."""

    def __init__(
        self,
        *,
        files: FileService,
        usage: FileUsage,
        removal: FileRemoval,
        settings: FileSettings,
        authenticator: RequestAuthenticator,
    ) -> None:
        self._files = files
        self._usage = usage
        self._removal = removal
        self._settings = settings
        self._authenticator = authenticator

    @operation(
        "GET",
        "/api/admin/storage",
        "storage",
        rate="reads",
        access="administrator",
        returns=administration.Storage,
    )
    async def storage(self, request: web.Request) -> web.StreamResponse:
        """Get the space on disk, the quotas, and what uses most: rooms, users and single files.

        A file of a private room has no name for administrators who are not members of the room.
        """
        admin = await self._authenticator.require_admin(request)
        space, settings = await self._files.store.uploads.space(), self._settings
        total = await self._files.register.usage()
        return ok(
            disk={
                "total": space.total,
                "free": space.free,
                "reserve": settings.reserve(space.total),
            },
            quotas={
                "file": settings.bytes,
                "user": settings.user_bytes,
                "room": settings.room_bytes,
                "total": settings.total_bytes,
            },
            files=total.files,
            bytes=total.bytes,
            rooms=await self._usage.by_room(LISTED_ROOMS),
            users=await self._usage.by_user(LISTED_USERS),
            largest=await self._usage.largest(admin.id if admin else NO_USER, LISTED_FILES),
        )

    @operation(
        "DELETE",
        "/api/admin/files/{file}",
        "remove_file",
        rate="changes",
        access="administrator",
        refuses="not_found",
    )
    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Delete a file out of its message, without being a member.
        A mark remains in its place, and the message is changed as by an edit.
        """
        admin = await self._authenticator.require_admin(request)
        await self._removal.remove(admin, request.match_info["file"])
        return ok()

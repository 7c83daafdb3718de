"""Response with a profile picture or the logo. It is immutable: a new picture has a new URL."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from chatserver.errors import NotFound
from chatserver.files.square_pictures import TYPE
from chatserver.files.store import FileStore
from chatserver.web.file_body import send_file


async def send_square_picture(
    request: web.Request,
    store: FileStore,
    find_digest: Callable[[str], Awaitable[str | None]],
    *,
    name: str,
    cache: str,
) -> web.StreamResponse:
    """Send the picture of the path; `find_digest` returns its SHA-256 while it is in use.

    `name` is that of the file, `cache` the value of Cache-Control. Raises NotFound.
    """
    picture = request.match_info["picture"]

    async def digest() -> str:
        found = await find_digest(picture)
        if found is None:
            raise NotFound
        return found

    tag, file = await digest(), await store.require(picture)
    return await send_file(request, file, check=digest, tag=tag, kind=TYPE, name=name, cache=cache)

"""Responses with the content of a file: headers, ranges, conditions (RFC 9110)."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from chatserver.files.types import INLINE, TEXT, UNKNOWN
from chatserver.web import time_limit

# Nothing in a file can run, load anything, or be embedded by another site.
POLICY = "sandbox; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'"
CHECKED = "private, no-cache"  # a deletion takes effect at the next look
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
CONDITIONS = ("If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range")
MIN_RATE = 16_384  # bytes per second that a client has to read
GRACE = 60.0  # seconds


class FileBody(web.FileResponse):
    """A file whose entity tag is given, instead of made from the time of its last change."""

    def __init__(self, path: Path, tag: str, headers: dict[str, str]) -> None:
        super().__init__(path, headers=headers)
        self._tag = f'"{tag}"'
        self.headers["ETag"] = self._tag

    @property
    def etag(self) -> Any:
        return super().etag

    @etag.setter
    def etag(self, value: Any) -> None:
        """Keep the tag: aiohttp sets its own."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the file, or the part that the request wants."""
        if self.prepared:
            return None
        return await super().prepare(self._with_own_conditions(request))

    def _with_own_conditions(self, request: web.BaseRequest) -> web.BaseRequest:
        """Return the request without conditions, which aiohttp would compare with its own tag."""
        headers = request.headers.copy()
        condition = headers.get("If-Range")
        if condition is not None and condition.strip() != self._tag:
            headers.popall("Range", None)
        for name in CONDITIONS:
            headers.popall(name, None)
        return request.clone(headers=headers)


async def send_file(
    request: web.Request,
    path: Path,
    *,
    size: int,
    tag: str,
    kind: str,
    name: str,
    download: bool = False,
    cache: str = CHECKED,
) -> web.StreamResponse:
    """Send a file of this size; browsers may show it in place if its type is harmless."""
    inline = kind in INLINE and not download
    content_type = kind if kind in INLINE else UNKNOWN
    if content_type == TEXT:
        content_type += "; charset=utf-8"
    headers = {
        **HEADERS,
        "Cache-Control": cache,
        "Content-Type": content_type,
        "Content-Disposition": disposition(name, inline=inline),
    }
    if _is_known(request, tag):
        return web.Response(status=304, headers=headers | {"ETag": f'"{tag}"'})
    time_limit.lift(request)
    body = FileBody(path, tag, headers)
    try:
        async with asyncio.timeout(GRACE + size / MIN_RATE):
            await body.prepare(request)
    except TimeoutError:  # the client reads too slowly
        if request.transport is not None:
            request.transport.abort()
    return body


def _is_known(request: web.Request, tag: str) -> bool:
    """Return whether the client has this content already."""
    known = request.headers.get("If-None-Match", "")
    tags = {part.strip().removeprefix("W/") for part in known.split(",")}
    return bool(tags & {f'"{tag}"', "*"})


def disposition(name: str, *, inline: bool) -> str:
    """Return the value of Content-Disposition (RFC 6266, RFC 8187)."""
    kind = "inline" if inline else "attachment"
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

"""Long lists as JSON, read and sent a page at a time.

The answer is one JSON object however long it is; neither the whole list nor its text is ever in
memory, and each page takes its own turn of the event loop.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from chatserver.web.answer import ok
from chatserver.web.keeping import streamed

PAGE = 200  # entries that are read and encoded together

Entries = list[dict[str, Any]]
ReadPage = Callable[[str, int], Awaitable[Entries]]


async def listed(request: web.Request, field: str, read: ReadPage) -> web.StreamResponse:
    """All entries as the list of that field. `read` gets the last `name` that was sent."""
    first = await read("", PAGE)
    if len(first) < PAGE:
        facts: dict[str, Any] = {field: first}
        return ok(**facts)
    return await streamed(request, _pieces(field, first, read), "application/json")


async def _pieces(field: str, page: Entries, read: ReadPage) -> AsyncGenerator[bytes]:
    yield b'{"ok":1,"%b":[' % field.encode()
    yield _inside(page)
    while len(page) == PAGE and (page := await read(page[-1]["name"], PAGE)):
        yield b"," + _inside(page)
    yield b"]}"


def _inside(entries: Entries) -> bytes:
    return msgspec.json.encode(entries)[1:-1]

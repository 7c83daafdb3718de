"""Long lists as JSON, read and sent a page at a time.

The answer is one JSON object however long it is; neither the whole list nor its text is ever in
memory, and each page takes its own turn of the event loop.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from chatserver.web.answer import ok
from chatserver.web.maintenance import streamed

PAGE = 200  # entries that are read and encoded together

T = TypeVar("T")

Entries = list[dict[str, Any]]
ReadPage = Callable[[str, int], Awaitable[Entries]]
Show = Callable[[T], dict[str, Any]]


async def listed(request: web.Request, field: str, read: ReadPage) -> web.StreamResponse:
    """All entries as the list of that field. `read` gets the last `name` that was sent."""
    return await paged(request, field, _read(read))


async def shown(
    request: web.Request, field: str, rows: Sequence[T], show: Show[T], **facts: Any
) -> web.StreamResponse:
    """The same for rows that are in memory; what is shown of them never is."""
    return await paged(request, field, _show(rows, show), **facts)


async def paged(
    request: web.Request, field: str, pages: AsyncGenerator[Entries], **facts: Any
) -> web.StreamResponse:
    """The same for pages of PAGE entries, the last of which may have fewer, behind `facts`."""
    first: Entries = await anext(pages, [])
    if len(first) < PAGE:
        await pages.aclose()
        return ok(**facts, **{field: first})  # type: ignore[arg-type]
    return await streamed(request, _pieces(field, first, pages, facts), "application/json")


async def _read(read: ReadPage) -> AsyncGenerator[Entries]:
    after = ""
    while page := await read(after, PAGE):
        yield page
        if len(page) < PAGE:
            break
        after = page[-1]["name"]


async def _show(rows: Sequence[T], show: Show[T]) -> AsyncGenerator[Entries]:
    for start in range(0, len(rows), PAGE):
        yield [show(row) for row in rows[start : start + PAGE]]


async def _pieces(
    field: str, first: Entries, pages: AsyncGenerator[Entries], facts: dict[str, Any]
) -> AsyncGenerator[bytes]:
    async with aclosing(pages):
        yield msgspec.json.encode({"ok": 1, **facts})[:-1] + b',"%b":[' % field.encode()
        yield _inside(first)
        async for page in pages:
            yield b"," + _inside(page)
        yield b"]}"


def _inside(entries: Entries) -> bytes:
    return msgspec.json.encode(entries)[1:-1]

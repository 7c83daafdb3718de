"""Long lists as JSON, read and sent page by page.

The response is a single JSON object, but neither the whole list nor its text is ever in memory, and
each page is encoded in its own turn of the event loop.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from chatserver.web.responses import ok
from chatserver.web.spool import spooled
from chatserver.web.streaming import stream_response

PAGE_ENTRIES = 200  # entries

T = TypeVar("T")

Entries = list[dict[str, Any]]
ReadPage = Callable[[str, int], Awaitable[Entries]]
Show = Callable[[T], dict[str, Any]]


async def stream_query(request: web.Request, field: str, read: ReadPage) -> web.StreamResponse:
    """Send all entries in that field.

    `read` gets the `name` of the last entry sent, and a limit.
    """
    return await stream_pages(request, field, _query_pages(read))


async def first_entries(read: ReadPage, after: str, limit: int) -> Entries:
    """Return the first entries after that name, read and converted a page at a time."""
    found: Entries = []
    while (size := min(PAGE_ENTRIES, limit - len(found))) > 0:
        page = await read(after, size)
        found += page
        if len(page) < size:
            break
        after = page[-1]["name"]
    return found


async def stream_rows(
    request: web.Request, field: str, rows: Sequence[T], show: Show[T], **fields: Any
) -> web.StreamResponse:
    """Send rows that are in memory; only a page at a time is converted by `show`."""
    return await stream_pages(request, field, _row_pages(rows, show), **fields)


async def stream_pages(
    request: web.Request,
    field: str,
    pages: AsyncGenerator[Entries],
    *,
    spool: Path | None = None,
    **fields: Any,
) -> web.StreamResponse:
    """Send pages of PAGE_ENTRIES entries, the last of which may be shorter, after `fields`.

    `spool`: folder of a file from which a slow client reads, for pages that hold a connection to
    the database.
    """
    first: Entries = await anext(pages, [])
    if len(first) < PAGE_ENTRIES:
        await pages.aclose()
        return ok(**fields, **{field: first})  # type: ignore[arg-type]
    chunks = _chunks(field, first, pages, fields)
    if spool is not None:
        chunks = spooled(chunks, spool)
    return await stream_response(request, chunks, "application/json")


async def _query_pages(read: ReadPage) -> AsyncGenerator[Entries]:
    after = ""
    while page := await read(after, PAGE_ENTRIES):
        yield page
        if len(page) < PAGE_ENTRIES:
            break
        after = page[-1]["name"]


async def _row_pages(rows: Sequence[T], show: Show[T]) -> AsyncGenerator[Entries]:
    for start in range(0, len(rows), PAGE_ENTRIES):
        yield [show(row) for row in rows[start : start + PAGE_ENTRIES]]


async def _chunks(
    field: str, first: Entries, pages: AsyncGenerator[Entries], fields: dict[str, Any]
) -> AsyncGenerator[bytes]:
    async with aclosing(pages):
        yield msgspec.json.encode({"ok": 1, **fields})[:-1] + b',"%b":[' % field.encode()
        yield _items_json(first)
        async for page in pages:
            yield b"," + _items_json(page)
        yield b"]}"


def _items_json(entries: Entries) -> bytes:
    return msgspec.json.encode(entries)[1:-1]

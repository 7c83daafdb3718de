"""Bodies that are stored while they arrive, past aiohttp's parser when they are long."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import web

from chatserver import tls
from chatserver.errors import BadRequest
from chatserver.files.pace import Piece
from chatserver.web import body_receiver, request_body
from chatserver.web.aiohttp_internals import HttpConnection, Listener
from chatserver.web.body_receiver import BodyReceiver
from chatserver.web.idle_connections import IdleConnections
from chatserver.web.request_body import body_of
from tests.test_tls import make_certificate

CONTENT = bytes(range(256)) * 8_192  # 2 MiB: more than aiohttp buffers
NEXT = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nnext"
Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
EARLY = 2**20  # bytes: more than aiohttp buffers before the handler reads
TIMEOUT = 5.0  # seconds for a test
SHORT = 2**12  # bytes of a short buffer in some tests


def head(size: int = len(CONTENT)) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()


class Site:
    """Server that stores bodies; `received` grows while they arrive."""

    def __init__(self) -> None:
        self.port = 0
        self.received = bytearray()
        self.sizes: list[int] = []  # of the pieces
        self.request: web.Request | None = None  # the last one
        self.piece: Piece | None = None  # the last one
        self.direct = 0  # bodies that were received past the parser
        self.broken = asyncio.Event()
        self.ended = asyncio.Event()
        self.waiting = False  # for the gate
        self.limit = 2**30  # bytes after which the handler gives up
        self.gate = asyncio.Event()  # the handler reads while it is set
        self.gate.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.request = request
        self.received.clear()
        try:
            async for piece in body_of(request):
                self.piece = piece
                await self._store(bytes(piece))
        except BadRequest as error:
            self.broken.set()
            return web.Response(status=400, text=error.code)
        finally:
            self.ended.set()
        self.direct += self.receiver is not None
        return web.Response(text=str(len(self.received)))

    @property
    def receiver(self) -> BodyReceiver | None:
        assert self.request is not None
        http = self.request.protocol
        assert isinstance(http, HttpConnection)
        return http._receiver

    async def _store(self, piece: bytes) -> None:
        self.waiting = not self.gate.is_set()
        await self.gate.wait()
        self.received += piece
        self.sizes.append(len(piece))
        if len(self.received) > self.limit:
            raise BadRequest


@asynccontextmanager
async def serving(context: ssl.SSLContext | None) -> AsyncIterator[Site]:
    site, app = Site(), web.Application()
    app.router.add_post("/", site.handle)
    runner = web.AppRunner(app, lingering_time=0.2, shutdown_timeout=0.2)
    await runner.setup()
    await Listener(runner, "127.0.0.1", 0, idle=IdleConnections(9), tls=context).start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(site: Site, *, is_secure: bool) -> AsyncIterator[tuple[Reader, Writer]]:
    context = ssl.create_default_context() if is_secure else None
    if context is not None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test with a site and a connection, on each loop: they change protocols differently."""

    @pytest.mark.parametrize("loop", LOOPS)
    @pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "tls"])
    def run(
        loop: str,
        *,
        is_secure: bool,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(body_receiver, "BUFFER", 2**16)
        context = tls.server_context(make_certificate(tmp_path)) if is_secure else None

        async def main() -> None:
            async with (
                asyncio.timeout(TIMEOUT),
                serving(context) as site,
                connected(site, is_secure=is_secure) as streams,
            ):
                await test(site, *streams, monkeypatch)

        with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
            runner.run(main())
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    run.__name__ = test.__name__
    return run


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], str]:
    """Return status, headers and text of the next response."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if line)
    body = await reader.readexactly(int(fields["Content-Length"]))
    return int(lines[0].split()[1]), fields, body.decode()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


@on_both_loops
async def test_a_long_body_arrives_and_the_connection_serves_more_requests(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        writer.write(head() + CONTENT + NEXT)
        assert (await answer(reader))[::2] == (200, str(len(CONTENT)))
        assert (await answer(reader))[::2] == (200, "4")
        assert bytes(site.received) == b"next"
    assert site.direct >= 1


@on_both_loops
async def test_the_bytes_are_those_that_were_sent(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write(head())
    for start in range(0, len(CONTENT), 100_001):
        writer.write(CONTENT[start : start + 100_001])
        await writer.drain()
    assert (await answer(reader))[0] == 200
    assert (bytes(site.received), site.direct) == (CONTENT, 1)


@on_both_loops
async def test_bytes_that_arrived_before_the_handler_reads_are_not_lost(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when aiohttp has stopped reading, because its buffer is full."""

    async def later(request: web.Request) -> AsyncIterator[Piece]:
        if not site.sizes:
            await until(lambda: request.protocol._reading_paused)
        async for piece in pieces(request):
            yield piece

    pieces = request_body._pieces
    monkeypatch.setattr(request_body, "_pieces", later)
    writer.write(head(4 * len(CONTENT)) + 4 * CONTENT + NEXT)
    assert (await answer(reader))[::2] == (200, str(4 * len(CONTENT)))
    assert (await answer(reader))[::2] == (200, "4")
    assert site.direct == 1
    assert site.sizes[0] > body_receiver.BUFFER


@on_both_loops
async def test_a_short_body_is_left_to_the_parser(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write(head(100_000) + CONTENT[:100_000])
    assert (await answer(reader))[::2] == (200, "100000")
    assert (bytes(site.received), site.direct) == (CONTENT[:100_000], 0)


@on_both_loops
async def test_what_arrived_before_a_cut_is_passed_on(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.write(head() + CONTENT[:300_001])
    await writer.drain()
    writer.close()
    await site.broken.wait()
    assert bytes(site.received) == CONTENT[:300_001]


@on_both_loops
async def test_little_is_passed_on_after_a_moment(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_receiver, "INTERVAL", 0.02)
    writer.write(head())
    for end in (1, 2, 3):
        writer.write(CONTENT[end - 1 : end])
        await until(lambda end=end: len(site.received) == end)  # type: ignore[misc]
    writer.write(CONTENT[3:])
    assert (await answer(reader))[0] == 200
    assert bytes(site.received) == CONTENT


@on_both_loops
async def test_no_more_than_two_buffers_are_filled_for_a_slow_handler(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.gate.clear()
    size = 8 * len(CONTENT)
    writer.write(head(size) + 8 * CONTENT)
    await until(lambda: site.waiting)
    await asyncio.sleep(0.05)
    first = site.receiver
    assert first is not None
    assert size - first.missing <= EARLY + body_receiver.BUFFER
    site.gate.set()
    assert (await answer(reader))[::2] == (200, str(size))
    assert max(site.sizes[1:]) <= body_receiver.BUFFER


@on_both_loops
async def test_a_body_that_stalls_has_short_buffers_and_nothing_else(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_receiver, "INTERVAL", 0.02)
    monkeypatch.setattr(body_receiver, "SHORT_BUFFER", SHORT)
    writer.write(head() + CONTENT[:-1])
    await until(lambda: len(site.received) == len(CONTENT) - 1)
    receiver = site.receiver
    assert receiver is not None
    assert max(site.sizes[1:]) == body_receiver.BUFFER
    await until(lambda: receiver._spare is None and len(receiver._buffer) == SHORT)
    with pytest.raises(ValueError, match="released"):
        len(receiver._passed)
    assert site.piece is not None
    with pytest.raises(ValueError, match="released"):
        len(site.piece)
    writer.write(CONTENT[-1:])
    assert (await answer(reader))[0] == 200
    assert bytes(site.received) == CONTENT


@on_both_loops
async def test_a_broken_body_leaves_no_long_buffer_to_the_garbage_collector(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_receiver, "SHORT_BUFFER", SHORT)
    site.gate.clear()
    writer.write(head() + CONTENT[:-1])
    await until(lambda: site.waiting)
    receiver = site.receiver
    assert receiver is not None
    writer.transport.abort()
    site.gate.set()
    await site.ended.wait()
    await until(lambda: len(receiver._buffer) == SHORT)
    assert receiver._spare is None


@on_both_loops
async def test_a_refused_body_ends_the_connection_after_the_response(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.limit = 100_000
    writer.write(head() + CONTENT[:400_000])
    status, fields, text = await answer(reader)
    assert (status, fields["Connection"], text) == (400, "close", "bad_request")
    writer.write(CONTENT[400_000:])  # a client that does not notice at once
    assert await reader.read() == b""


@on_both_loops
async def test_a_client_that_leaves_before_the_response_breaks_nothing(
    site: Site, reader: Reader, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.gate.clear()
    writer.write(head() + CONTENT)
    await until(lambda: site.waiting)
    writer.transport.abort()
    await asyncio.sleep(0.02)
    site.gate.set()
    await site.ended.wait()

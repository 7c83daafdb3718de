"""Contract tests for the private API of aiohttp that this program uses."""

import asyncio
import inspect
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import WebSocketReader
from aiohttp.web_protocol import RequestHandler

import chatserver
from chatserver import tls
from chatserver.web.aiohttp_internals import Listener, frame_parser, hand_over
from chatserver.web.idle_connections import IdleConnections
from chatserver.web.security_headers import HEADERS, TLS_HEADERS
from tests.hostile.raw_connection import BINARY, CLOSE, PING, PONG, TEXT, frame
from tests.test_tls import make_certificate

HANDLER = (
    "_handle_request _loop connection_lost finish_response force_close handle_error log_access"
    " set_parser _parser _read_bufsize max_field_size max_headers max_line_size"
)
USED = {
    RequestHandler: f"{HANDLER} transport",
    web.Server: "_kwargs _loop",
    web.TCPSite: "_backlog _host _port _runner _server _ssl_context",
    web.UnixSite: "_backlog _runner _server",
    web.Response: "_prepare_headers",
    WebSocketDataQueue: "feed_data set_exception",
    WebSocketReader: "feed_data",
}
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Recorder(asyncio.Protocol):
    """Protocol in place of a WebSocket: echoes all bytes, and records the end."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.closed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.closed.set()


class Site:
    """Server that detaches every request from aiohttp; has the port and the protocols."""

    def __init__(self) -> None:
        self.port = 0
        self.protocols: list[Recorder] = []

    async def handle(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        protocol = Recorder(request.transport)
        self.protocols.append(protocol)
        hand_over(request, protocol)
        return web.Response(text="which is not sent")

    @asynccontextmanager
    async def connect(self, context: ssl.SSLContext | None) -> AsyncIterator[Streams]:
        """Open a connection, and close both sides within 5 s afterwards."""
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
            try:
                yield reader, writer
            finally:
                writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            for protocol in self.protocols:
                await protocol.closed.wait()


@pytest_asyncio.fixture(params=["plain", "tls"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    site, app = Site(), web.Application()
    app.router.add_get("/", site.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    context = tls.server_context(make_certificate(tmp_path)) if request.param == "tls" else None
    await Listener(runner, "127.0.0.1", 0, idle=IdleConnections(9), tls=context).start()
    site.port = runner.addresses[0][1]
    yield site
    await runner.cleanup()


@pytest.fixture
def client_context(request: pytest.FixtureRequest) -> ssl.SSLContext | None:
    if request.node.callspec.params["site"] == "plain":
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def members(owner: type) -> set[str]:
    """Return the attributes of a class, including those that its constructor assigns."""
    found = set(dir(owner))
    for base in owner.__mro__[:-1]:
        constructor = base.__dict__.get("__init__")
        if inspect.isfunction(constructor):
            found.update(constructor.__code__.co_names)
    return found


@pytest.mark.parametrize(("owner", "names"), USED.items(), ids=[owner.__name__ for owner in USED])
def test_aiohttp_has_all_names_that_are_used(owner: type, names: str) -> None:
    missing = set(names.split()) - members(owner)
    assert not missing, f"aiohttp {aiohttp.__version__}: {owner.__name__} has no {sorted(missing)}"


MALFORMED = {
    "method": b"<script>alert(1)</script> / HTTP/1.1\r\nHost: a\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "long field": b"GET / HTTP/1.0\r\nA: " + b"a" * 20_000 + b"\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: <script>\r\nHost: b\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: <script>\r\n\r\n",
    "coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: <script>\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("request_", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_request_gets_the_security_headers_and_no_echo(
    site: Site, client_context: ssl.SSLContext | None, request_: bytes
) -> None:
    async with site.connect(client_context) as (reader, writer):
        writer.write(request_)
        answer = await reader.read()
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    assert (status, body) == ("HTTP/1.0 400 Bad Request", "Bad request.")
    assert HEADERS.items() <= fields.items()
    assert fields.keys().isdisjoint(TLS_HEADERS) is (client_context is None)
    assert set(fields) - {*HEADERS, *TLS_HEADERS} == {"Content-Type", "Content-Length", "Date"}


async def test_bytes_after_the_request_reach_the_protocol(
    site: Site, client_context: ssl.SSLContext | None
) -> None:
    async with site.connect(client_context) as (reader, writer):
        writer.write(REQUEST + b"early, ")
        assert await reader.readexactly(7) == b"early, "
        writer.write(b"late")
        assert await reader.readexactly(4) == b"late"


async def test_the_protocol_is_notified_of_a_half_closed_connection(
    site: Site, client_context: ssl.SSLContext | None
) -> None:
    async with site.connect(client_context) as (reader, writer):
        writer.write(REQUEST + b"last")
        assert await reader.readexactly(4) == b"last"
        if writer.can_write_eof():  # not over TLS
            writer.write_eof()
            await site.protocols[0].closed.wait()
            assert await reader.read() == b""


async def test_a_protocol_can_pause_and_resume_reading(
    site: Site, client_context: ssl.SSLContext | None
) -> None:
    async with site.connect(client_context) as (reader, writer):
        writer.write(REQUEST + b"1")
        assert await reader.readexactly(1) == b"1"
        transport = site.protocols[0].transport
        transport.pause_reading()
        writer.write(b"2")
        await writer.drain()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.readexactly(1)
        transport.resume_reading()
        assert await reader.readexactly(1) == b"2"


def parse(data: bytes, step: int = 1_000, limit: int = 100) -> list[tuple[WSMsgType, object]]:
    """Return the messages in these bytes, which arrive in pieces of `step`."""
    found: list[WSMessage] = []

    async def run() -> None:
        feed = frame_parser(lambda message, _size: found.append(message), limit=limit)
        for at in range(0, len(data), step):
            feed(data[at : at + step])

    asyncio.run(run())
    return [(message.type, message.data) for message in found]


FRAGMENTS = frame(b"one ", fin=False) + frame(b"?", PING) + frame(b"two ", 0, fin=False)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1_000])
def test_control_frames_between_fragments_are_delivered_first(step: int) -> None:
    data = FRAGMENTS + frame(b"!", PONG) + frame(b"three", 0) + frame(b"\0", BINARY)
    assert parse(data, step) == [
        (WSMsgType.PING, b"?"),
        (WSMsgType.PONG, b"!"),
        (WSMsgType.TEXT, "one two three"),
        (WSMsgType.BINARY, b"\0"),
    ]


INVALID = {
    "too long": (frame(b"x" * 101), WSCloseCode.MESSAGE_TOO_BIG),
    "fragments too long": (
        frame(b"x" * 60, fin=False) + frame(b"x" * 60, 0),
        WSCloseCode.MESSAGE_TOO_BIG,
    ),
    "not UTF-8": (frame(b"\xff"), WSCloseCode.INVALID_TEXT),
    "continuation of nothing": (frame(b"a", 0), WSCloseCode.PROTOCOL_ERROR),
    "unfinished": (frame(b"a", fin=False) + frame(b"b", TEXT), WSCloseCode.PROTOCOL_ERROR),
    "fragmented ping": (frame(b"a", PING, fin=False), WSCloseCode.PROTOCOL_ERROR),
    "reserved bit": (frame(b"a", bits=0x40), WSCloseCode.PROTOCOL_ERROR),
}


@pytest.mark.parametrize("kind", INVALID)
def test_an_invalid_frame_becomes_an_error_with_its_close_code(kind: str) -> None:
    data, code = INVALID[kind]
    ((type_, error),) = parse(data)
    assert type_ is WSMsgType.ERROR
    assert getattr(error, "code", None) == code


def test_a_close_frame_becomes_its_code() -> None:
    assert parse(frame((1001).to_bytes(2) + b"bye", CLOSE)) == [(WSMsgType.CLOSE, 1001)]


def test_no_other_module_imports_private_modules_of_aiohttp() -> None:
    private = re.compile(r"from aiohttp(\._\w+|\.web_protocol|\.http_websocket)\b", re.ASCII)
    package = Path(chatserver.__file__).parent
    found = {file.name for file in package.rglob("*.py") if private.search(file.read_text("utf-8"))}
    assert found == {"aiohttp_internals.py"}

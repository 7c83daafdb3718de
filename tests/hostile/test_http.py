"""Invalid HTTP requests: rejected without information about the server."""

import asyncio
import os
import random
import re

import pytest

from chatserver.web import forms
from chatserver.web.routes import OPERATIONS
from chatserver.web.security_headers import HEADERS
from tests.driver import Chat
from tests.faults.conversation import NAMES, Users
from tests.faults.server import Server
from tests.hostile.raw_connection import RawConnection

REQUESTS = 20_000 if os.environ.get("HOSTILE") == "whole" else 3_000
AT_ONCE = 50
SILENCE = 0.3  # seconds after which the server is assumed to wait for more data
POST = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"
FORM = '{"username":"bo0","password":"x"}'

WRONG = [
    "\0" * 100,
    "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",  # TLS
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    f"GET /{'a' * 20_000} HTTP/1.1\r\nHost: x\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: x\r\nA: {'b' * 20_000}\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n" + "A: b\r\n" * 500 + "\r\n",
    f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    f"{POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    f"{POST}Content-Length: +5\r\n\r\nhello",
    f"{POST}Content-Length: -5\r\n\r\n",
    f"{POST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
async def test_an_invalid_request_is_a_bad_request(server: Server, wrong: str) -> None:
    answer = await asked(server.url, wrong.encode("latin-1"))
    assert re.match(rb"HTTP/1.[01] 4\d\d ", answer), answer
    assert answer.count(b"HTTP/1.") == 1, "what followed was taken for another request"
    assert b"aiohttp" not in answer
    assert b"Python" not in answer
    head = answer.partition(b"\r\n\r\n")[0].decode()
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert HEADERS.items() <= fields.items()
    assert "Server" not in fields


async def test_an_unparsable_request_is_not_logged(server: Server) -> None:
    async with await RawConnection.to(server.url) as line:
        await line.send(b"GET /ws?token=a-secret HTTP/1.1\r\nCookie : b-secret\r\n\r\n")
        assert (await line.rest(SILENCE)).startswith(b"HTTP/1.0 400")
    log = server.log.read_text(encoding="utf-8")
    assert "secret" not in log
    assert "Error handling request" not in log


async def test_an_endless_body_is_rejected(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "GRACE_PERIOD", 0.05)
    async with await RawConnection.to(chat.url) as line:
        await line.send(f"{POST}Content-Length: 100\r\n\r\n{{".encode())
        assert (await line.head_of_answer()).startswith(b"HTTP/1.1 400")


async def test_fuzzed_requests_cause_no_server_error(server: Server, users: Users) -> None:
    chance = random.Random(5)
    token = users.tokens[NAMES[0]]
    for _ in range(REQUESTS // AT_ONCE):
        requests = [nonsense(chance, token) for _ in range(AT_ONCE)]
        answers = await asyncio.gather(*(asked(server.url, request) for request in requests))
        for request, answer in zip(requests, answers, strict=True):
            assert not re.match(rb"HTTP/1.[01] 5", answer), (request, answer)
            assert b"Python" not in answer, (request, answer)
    assert (await asked(server.url, b"GET /healthz HTTP/1.0\r\n\r\n")).endswith(b'{"ok": 1}')


async def asked(url: str, request: bytes) -> bytes:
    """Send a request; return the response."""
    async with await RawConnection.to(url) as line:
        await line.send(request)
        return await line.rest(SILENCE)


FIELDS = """Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control
Chat-User Content-Encoding Content-Language Content-Length Content-Type Cookie Date Expect Forwarded
From Host If-Match If-Modified-Since If-None-Match If-Range Max-Forwards Origin Pragma Range Referer
Sec-Fetch-Site Sec-WebSocket-Extensions Sec-WebSocket-Key Sec-WebSocket-Protocol
Sec-WebSocket-Version TE Trailer Transfer-Encoding Upgrade User-Agent Via X-Forwarded-For
X-Forwarded-Host X-Forwarded-Proto X-HTTP-Method-Override X-Real-IP""".split()
VALUES = [
    b"",
    b"\xff",
    b"\xed\xa0\xbd",
    b"Bearer bot_\xff",
    b"Bearer \xf0\x9f\x98\x80",
    b"chatserver=bot_\xff; __Host-chatserver=\xfe",
    b'chatserver="\\303\\377"',
    b"a;" * 3_900,
    b'"' * 7_000,
    b"(" * 7_000,
    b"," * 7_000,
    b"9" * 5_000,
    b"-1",
    b"0x10",
    b"1e400",
    b"nan",
    b"null",
    b"bytes=0-,-1,9-1," * 400,
    b'W/"' + b"x" * 5_000,
    b"Fri, 31 Feb 99999 25:61:61 XXX",
    b"zh;q=\xff, en;q=nan, *;q=1e999",
    b"gzip;q=0, br;q=9999, \xff",
    b"gzip, deflate, br, zstd",
    b"websocket, h2c, \xff",
    b'for="[::1]:\xff";proto=\xff;host=\xff',
    b"http://[::1",
    b"[::1]:99999999999999",
    b"x\xff.example:443",
    b"100-continue",
    b"chunked",
    *(
        b"text/plain; charset=" + codec
        for codec in b"""punycode unicode_escape undefined idna utf-16
        utf-7 hex rot13 base64 zlib bz2 mbcs raw_unicode_escape utf-8-sig \xff ../../x""".split()
    ),
    b"text/plain; charset*0*=punycode''a; charset*1*=%ff",
    b"text/plain; x*" + b"0" * 5_000 + b"*=1",
    b"multipart/form-data",
    b"multipart/form-data; boundary=" + b"a" * 71,
    b"application/x-www-form-urlencoded; charset=undefined",
]
BODIES = [b"", b"{}", b"hi", FORM.encode(), b"\xff", b"a=%ff&b=%ED%A0%BD", b'{"data":"\\ud83d"}']


async def test_no_header_value_causes_a_server_error(server: Server, users: Users) -> None:
    chance = random.Random(7)
    token = users.tokens[NAMES[0]]
    cases = [(field, value) for field in FIELDS for value in VALUES]
    for _ in range(max(1, REQUESTS // 10_000)):
        chance.shuffle(cases)
        for at in range(0, len(cases), AT_ONCE):
            some = cases[at : at + AT_ONCE]
            requests = [with_field(chance, token, *case) for case in some]
            answers = await asyncio.gather(*(asked(server.url, each) for each in requests))
            for request, answer in zip(requests, answers, strict=True):
                assert not re.match(rb"HTTP/1.[01] 5", answer), (request, answer)


def with_field(chance: random.Random, token: str, field: str, value: bytes) -> bytes:
    """Return a valid request with this value of a field, replaced or added."""
    method, path = chance.choice(ROUTES)
    content = chance.choice(BODIES) if method != "GET" else b""
    fields = {
        "Host": b"x",
        "Authorization": f"Bearer {token}".encode(),
        "Content-Type": chance.choice([b"application/json", b"text/plain"]),
        "Content-Length": str(len(content)).encode(),
    }
    if path == "/ws":
        fields |= {"Connection": b"Upgrade", "Upgrade": b"websocket"}
        fields |= {"Sec-WebSocket-Version": b"13", "Sec-WebSocket-Key": b"A" * 22 + b"=="}
    else:
        fields["Connection"] = b"close"
    if field != "Content-Length" or chance.random() < 0.5:
        fields[field] = value
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n".encode() + lines + b"\r\n" + content


PIECES = [
    b"%00",
    b"%ff",
    b"%ED%A0%BD",
    b"\xff",
    b"\xed\xa0\xbd",
    b"\xf0\x9f\x98\x80",
    b"%F0%9F%8F%B4" + b"%F3%A0%81%A7" * 600,
    b"%F0%9F%98%80" * 601,
    b"9" * 5_000,
    b"%D9%A3",
    b"null",
    b"-1",
    b"1e400",
    b"nan",
    b"true",
    b"//[x",
    b"//%E2%84%80",
    b"/%5Cx",
    b"before:0001-01-01",
    b"after:9999-12-31T23:59:59-23:59",
    b"%22" * 400,
    b"from:%00",
    b"..",
    b"%2F",
    b"%25ff",
    b"%",
    b"x" * 5_000,
    b"%CD%84" * 100,
    b"",
]
KEYS = "q room position limit after before epoch lang next token user over presence".split()


async def test_no_path_or_query_causes_a_server_error(server: Server, users: Users) -> None:
    chance = random.Random(11)
    token = users.tokens[NAMES[0]]
    for _ in range(REQUESTS // AT_ONCE):
        requests = [with_parts(chance, token) for _ in range(AT_ONCE)]
        answers = await asyncio.gather(*(asked(server.url, request) for request in requests))
        for request, answer in zip(requests, answers, strict=True):
            assert not re.match(rb"HTTP/1.[01] 5", answer), (request, answer)


def with_parts(chance: random.Random, token: str) -> bytes:
    """Return a request whose names, numbers and query are replaced by other bytes."""
    method, template = chance.choice(TEMPLATES)
    path = b"/".join(
        chance.choice([*PIECES, b"1", b"bo1", b"lobby"]) if part.startswith("{") else part.encode()
        for part in template.split("/")
    )
    query = b"&".join(
        chance.choice(KEYS).encode() + b"=" + chance.choice([*PIECES, b"hi"])
        for _ in range(chance.randrange(4))
    )
    content = chance.choice(BODIES) if method != "GET" else b""
    head = (
        f"Host: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    line = method.encode() + b" " + path + b"?" + query + b" HTTP/1.1\r\n"
    return line + head.encode() + content


TEMPLATES = [(one.method, one.path) for one in OPERATIONS if one.name != "log_out"] + [
    ("GET", path) for path in ("/", "/index", "/ws", "/admin/{section}", "/static/{x}/{y}", "/{x}")
]
ROUTES = [(method, re.sub(r"{\w+}", "1", path)) for method, path in TEMPLATES]
PATHS = """/ /login /setup /join/x /index /ws /admin /api/me /api/users /api/rooms /api/rooms/1
/api/rooms/lobby/events?after=0 /api/rooms/1/messages/1
/api/rooms/1/messages/1/reactions/%F0%9F%98%80
/api/search?q=a /api/sessions/x /api/invites/x/qr.svg /api/direct/bo1/messages /static/x/app.css
/readyz /api/asyncapi.json /i18n/en.x.json /metrics""".split()
BITS = [
    "\r",
    "\n",
    "\0",
    "%",
    "%00",
    "%ff",
    "..",
    "//",
    "?",
    "#",
    ";",
    ":",
    " ",
    "é",
    "\x7f",
    "9" * 40,
]


def nonsense(chance: random.Random, token: str) -> bytes:
    """Return a valid request with inserted pieces and changed characters."""
    method = chance.choice("GET POST PUT PATCH DELETE HEAD OPTIONS TRACE CONNECT FOO".split())
    path = spoilt(chance, chance.choice(PATHS), 0.6)
    content = spoilt(chance, chance.choice([FORM, "{}", "[]", "a=b&a=c", ""]), 0.5)
    headers = {
        "Host": "x",
        "Authorization": f"Bearer {token}",
        "Content-Type": chance.choice(["application/json", "text/plain", "multipart/form-data"]),
        "Content-Length": str(len(content.encode("latin-1"))),
        "Cookie": "chatserver=x",
        "Accept-Language": "zh",
        "Range": "bytes=0-",
        "If-None-Match": '"x"',
    }
    lines = [f"{name}: {spoilt(chance, value, 0.1)}" for name, value in headers.items()]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "Connection: close", "", ""])
    return spoilt(chance, head, 0.2).encode("latin-1") + content.encode("latin-1")


def spoilt(chance: random.Random, text: str, often: float) -> str:
    if chance.random() > often:
        return text
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(BITS) + text[at + chance.randrange(3) :]

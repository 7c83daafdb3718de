"""Requests that are none: refused in a word, by a server that tells nothing of itself."""

import asyncio
import os
import random
import re

import pytest

from chatserver.web import body
from tests.driver import Chat
from tests.faults.server import Server
from tests.faults.talk import NAMES, People
from tests.hostile.line import Line

REQUESTS = 20_000 if os.environ.get("HOSTILE") == "whole" else 3_000
AT_ONCE = 50
SILENCE = 0.3  # seconds after which a request is taken to wait for more
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
async def test_what_is_no_request_is_a_bad_one(server: Server, wrong: str) -> None:
    answer = await asked(server.url, wrong.encode("latin-1"))
    assert re.match(rb"HTTP/1.[01] 4\d\d ", answer), answer
    assert answer.count(b"HTTP/1.") == 1, "what followed was taken for another request"
    assert b"aiohttp" not in answer
    assert b"Python" not in answer


async def test_an_unparsable_request_leaves_no_word_of_it_in_the_log(server: Server) -> None:
    async with await Line.to(server.url) as line:
        await line.send(b"GET /ws?token=a-secret HTTP/1.1\r\nCookie : b-secret\r\n\r\n")
        assert (await line.rest(SILENCE)).startswith(b"HTTP/1.0 400")
    log = server.log.read_text(encoding="utf-8")
    assert "secret" not in log
    assert "Error handling request" not in log


async def test_a_body_that_never_ends_is_not_waited_for(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "PATIENCE", 0.05)
    async with await Line.to(chat.url) as line:
        await line.send(f"{POST}Content-Length: 100\r\n\r\n{{".encode())
        assert (await line.head_of_answer()).startswith(b"HTTP/1.1 400")


async def test_requests_without_end_and_sense_end_nothing(server: Server, people: People) -> None:
    chance = random.Random(5)
    token = people.tokens[NAMES[0]]
    for _ in range(REQUESTS // AT_ONCE):
        requests = [nonsense(chance, token) for _ in range(AT_ONCE)]
        answers = await asyncio.gather(*(asked(server.url, request) for request in requests))
        for request, answer in zip(requests, answers, strict=True):
            assert not re.match(rb"HTTP/1.[01] 5", answer), (request, answer)
            assert b"Python" not in answer, (request, answer)
    assert (await asked(server.url, b"GET /healthz HTTP/1.0\r\n\r\n")).endswith(b'{"ok": 1}')


async def asked(url: str, request: bytes) -> bytes:
    """What comes back."""
    async with await Line.to(url) as line:
        await line.send(request)
        return await line.rest(SILENCE)


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
    """A request that was good, with pieces put in and characters changed."""
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

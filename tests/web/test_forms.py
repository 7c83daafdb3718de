"""Request bodies: encoding, decoding and time limits."""

import gzip
from asyncio import StreamReader
from typing import Any, ClassVar

import pytest

from chatserver.errors import BadRequest
from chatserver.web import forms
from tests.driver import Chat, User
from tests.fakes import SkippingLoop, run_skipping
from tests.hostile.raw_connection import RawConnection

TEXT = "/api/rooms/1/messages"


async def post(user: User, content: bytes, **headers: str) -> int:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    fields |= {"Authorization": f"Bearer {user.token}"}
    url = user.chat.url + TEXT
    async with user.http.post(url, data=content, headers=fields) as answer:
        return answer.status


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"', "us-ascii"])
async def test_a_text_body_in_utf_8_is_accepted(ann: User, charset: str) -> None:
    assert await post(ann, "grün".encode(), Content_Type=f"text/plain; charset={charset}") == 201


@pytest.mark.parametrize(
    "codec", "punycode unicode_escape undefined idna utf-7 utf-16 latin-1 hex rot13 x".split()
)
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
async def test_another_charset_is_rejected_without_reading_the_body(
    ann: User, kind: str, codec: str
) -> None:
    for parameter in (f"charset={codec}", f"charset*=utf-8''{codec}"):
        assert await post(ann, b'{"data":"hi"}', Content_Type=f"{kind}; {parameter}") == 415


async def test_a_compressed_body_is_rejected(ann: User) -> None:
    content = gzip.compress(b'{"data":"hi"}')
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "x"):
        assert await raw(ann, content, f"Content-Encoding: {encoding}\r\n") == 415
    assert await raw(ann, b'{"data":"hi"}', "Content-Encoding: identity\r\n") == 201


async def raw(user: User, content: bytes, more: str) -> int:
    head = (
        f"POST {TEXT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {user.token}\r\n{more}"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    async with await RawConnection.to(user.chat.url) as line:
        await line.send(head.encode() + content)
        return int((await line.head_of_answer()).split()[1])


@pytest.mark.parametrize("begin", [b"", b" ", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/json"])
async def test_json_is_accepted_as_sent_by_curl_and_windows(
    ann: User, kind: str, begin: bytes
) -> None:
    content = begin + b'{"data":"hi"}'
    assert await post(ann, content, Content_Type=kind) == 201


@pytest.mark.parametrize("content", [b"a=%ff", b"a=%ED%A0%BD", b"\xff"])
async def test_a_form_must_be_utf_8(chat: Chat, content: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with chat.browser().post(f"{chat.url}/login", data=content, headers=headers) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "x/y", "multipart/form-data"])
async def test_every_kind_of_body_has_a_time_limit(
    ann: User, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(forms, "GRACE_PERIOD", 0.05)
    head = (
        f"POST {TEXT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann.token}\r\n"
        f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    )
    async with await RawConnection.to(ann.chat.url) as line:
        await line.send(head.encode())
        assert (await line.head_of_answer()).startswith(b"HTTP/1.1 400")


class Arriving(dict[Any, Any]):
    """A request whose body arrives in pieces of `size` bytes, one a second."""

    def __init__(self, loop: SkippingLoop, size: int, seconds: int) -> None:
        self.headers: dict[str, str] = {}
        self.content = self
        self._loop = loop
        self._size = size
        self._left = seconds

    async def readany(self) -> bytes:
        if not self._left:
            return b""
        self._left -= 1
        await self._loop.skip(1.0)
        return b"x" * self._size


@pytest.mark.parametrize(
    ("size", "seconds", "in_time"), [(1_100, 20, True), (1, 4, True), (1, 20, False)]
)
def test_a_body_has_a_minimum_rate(size: int, seconds: int, in_time: bool) -> None:
    async def story(loop: SkippingLoop) -> None:
        request: Any = Arriving(loop, size, seconds)
        if in_time:
            await forms.read_body(request)
            assert len(forms.read_text(request)) == size * seconds
        else:
            with pytest.raises(BadRequest):
                await forms.read_body(request)

    run_skipping(story)


def test_a_body_has_a_time_limit_at_any_rate() -> None:
    async def story(loop: SkippingLoop) -> None:
        request: Any = Arriving(loop, 1_500, 40)
        with pytest.raises(BadRequest):
            await forms.read_body(request)

    run_skipping(story)


async def test_a_body_read_by_an_outer_application_is_available() -> None:
    class Read(dict[Any, Any]):
        headers: ClassVar[dict[str, str]] = {}
        content = StreamReader()

        async def read(self) -> bytes:
            return b"hello"

    request: Any = Read()
    request.content.feed_eof()
    request.content.readany = request.content.read
    await forms.read_body(request)
    assert forms.read_text(request) == "hello"

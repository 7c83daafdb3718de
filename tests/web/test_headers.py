"""Header fields: decoding, media types, cookies and expectations."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from multidict import CIMultiDict

from chatserver.web.headers import cookie, media_type
from tests.driver import PASSWORD, Chat, User
from tests.hostile.raw_connection import RawConnection

NOT_UTF_8 = ["\udcff", "Mozilla \udce9", "\udced\udca0\udcbd"]


async def post(chat: Chat, path: str, form: str, fields: dict[str, str]) -> bytes:
    """Send a request, each surrogate as its byte; return the head of the response."""
    fields = {"Host": "x", "Connection": "close", "Content-Type": "application/json"} | fields
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    head = f"POST {path} HTTP/1.1\r\n{lines}Content-Length: {len(form)}\r\n\r\n"
    async with await RawConnection.to(chat.url) as line:
        await line.send((head + form).encode(errors="surrogateescape"))
        return await line.head_of_answer()


@pytest.mark.parametrize("agent", NOT_UTF_8)
async def test_a_user_agent_that_is_not_utf_8_can_log_in(chat: Chat, ann: User, agent: str) -> None:
    form = f'{{"username":"ann","password":"{PASSWORD}"}}'
    answer = await post(chat, "/login", form, {"User-Agent": agent})
    assert answer.startswith(b"HTTP/1.1 200")
    places = (await ann.ask("GET", "/api/sessions")).json["sessions"]
    assert any("\ufffd" in place["client"] for place in places)


async def test_a_user_agent_that_is_not_utf_8_can_set_up_and_join(chat: Chat) -> None:
    agent = {"User-Agent": "\udcff"}
    token = chat.server.accounts.setup_token()
    form = f'{{"username":"ann","password":"{PASSWORD}","token":"{token}"}}'
    assert (await post(chat, "/setup", form, agent)).startswith(b"HTTP/1.1 200")
    ann = await chat.logged_in("ann")
    code = (await ann.ask("POST", "/api/invites", {})).json["code"]
    form = f'{{"username":"bo","password":"{PASSWORD}"}}'
    assert (await post(chat, f"/join/{code}", form, agent)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "field",
    [
        ("Authorization", "Bearer bot_\udcff"),
        ("Authorization", "Bearer \udcff.\udcff.\udcff"),
        ("Cookie", "chatserver=bot_\udcff"),
        ("Cookie", "chatserver=\udcff"),
    ],
)
async def test_a_token_that_is_not_utf_8_is_invalid(chat: Chat, field: tuple[str, str]) -> None:
    answer = await post(chat, "/api/rooms/1/messages", "{}", dict([field]))
    assert answer.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("path", ["/api/rooms/\udcff/messages", "/login?next=/\udcff", "/\udcff"])
async def test_a_path_that_is_not_utf_8_is_rejected(chat: Chat, path: str) -> None:
    assert (await post(chat, path, "{}", {})).startswith(b"HTTP/1.0 400")


def request_with(name: str, value: str) -> Any:
    return SimpleNamespace(headers=CIMultiDict({name: value}))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("text/plain", ("text/plain", "")),
        ("Text/Plain ; Charset=UTF-8", ("text/plain", "utf-8")),
        ('text/plain; charset="utf-8"; format=flowed', ("text/plain", "utf-8")),
        ("text/plain; charset*=punycode''a", ("text/plain", "*punycode''a")),
        ("text/plain; format=charset=x", ("text/plain", "")),
        ("", ("", "")),
        ("\udcff", ("\udcff", "")),
    ],
)
def test_a_media_type_is_parsed_without_its_parameters(
    field: str, expected: tuple[str, str]
) -> None:
    assert media_type(request_with("Content-Type", field)) == expected


def test_every_media_type_is_parsed_fast() -> None:
    """The parser of the email package, which aiohttp uses, takes more than a second for one."""
    started = time.process_time()
    for piece in ('a="', '"', "(", ";", "; ", "; a=b", ";charset", "; charset ", "\t", "charset="):
        field = "text/plain; " + piece * (8_000 // len(piece))
        media_type(request_with("Content-Type", field))
    assert time.process_time() - started < 0.5


def test_a_cookie_is_found_among_other_cookies() -> None:
    field = 'a=1; chatserver="x.y" ;;=; b; __Host-chatserver=z'
    request = request_with("Cookie", field)
    found = [cookie(request, name) for name in ("chatserver", "__Host-chatserver", "b", "c")]
    assert found == ["x.y", "z", "", ""]


@pytest.mark.parametrize("expectation", ["\udcff", "a miracle", "100-continue"])
async def test_an_unknown_expectation_is_ignored(chat: Chat, expectation: str) -> None:
    answer = await post(chat, "/logout", "{}", {"Expect": expectation})
    expected = b"HTTP/1.1 100" if expectation == "100-continue" else b"HTTP/1.1 200"
    assert answer.startswith(expected)

"""Forwarding headers of proxies in all common forms, and invalid ones."""

import asyncio
import logging
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict, CIMultiDictProxy

from chatserver.config import ServerSettings, Settings
from chatserver.web import proxies
from chatserver.web.proxies import FORWARDED
from tests.conftest import FAST, StartChat
from tests.driver import PASSWORD, Chat, ask
from tests.hostile.raw_connection import RawConnection

PROXY = "10.0.0.1"
TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("127.0.0.1")]
ANN = "203.0.113.7"

Fields = Iterable[tuple[str, str]]


def request(fields: Fields, host: str = "inner:3000") -> Any:
    headers = CIMultiDict([("Host", host), *fields])
    return make_mocked_request("GET", "/", CIMultiDictProxy(headers))


def for_(*values: str) -> Fields:
    return [("X-Forwarded-For", value) for value in values]


CLIENTS: dict[str, tuple[Fields, str]] = {
    "nothing": ([], PROXY),
    "nginx, Caddy, Traefik: one address": (for_(ANN), ANN),
    "a chain of trusted proxies": (for_(f"{ANN}, 10.0.0.2, 10.0.0.3"), ANN),
    "a visitor who claims another address": (for_(f"198.51.100.1, {ANN}"), ANN),
    "HAProxy: a line for each proxy": (for_("198.51.100.1", ANN, "10.0.0.2"), ANN),
    "trusted ones alone": (for_("10.0.0.9, 10.0.0.8"), "10.0.0.9"),
    "Azure, IIS, ALB: with a port": (for_(f"{ANN}:52113"), ANN),
    "IPv6": (for_("2001:db8::7"), "2001:db8::7"),
    "IPv6 in brackets": (for_("[2001:db8::7]"), "2001:db8::7"),
    "IPv6 with a port": (for_("[2001:db8::7]:52113"), "2001:db8::7"),
    "IPv6 with a zone": (for_("fe80::7%eth0"), "fe80::7"),
    "IPv6 in capitals": (for_("2001:DB8:0:0:0:0:0:7"), "2001:db8::7"),
    "IPv4 as IPv6": (for_(f"::ffff:{ANN}"), ANN),
    "a trusted proxy as IPv6": (for_(f"{ANN}, ::ffff:10.0.0.2"), ANN),
    "quotes": (for_(f'"{ANN}"'), ANN),
    "spaces and empty elements": (for_(f" , {ANN} ,, "), ANN),
    "an empty line": (for_(""), PROXY),
    "unknown": (for_("unknown"), PROXY),
    "unknown behind an address": (for_(f"{ANN}, unknown"), PROXY),
    "unknown before a trusted proxy": (for_("unknown, 10.0.0.2"), "10.0.0.2"),
    "obfuscated": (for_("_hidden"), PROXY),
    "a name": (for_("localhost"), PROXY),
    "no address": (for_("999.1.1.1"), PROXY),
    "a number": (for_("3405803783"), PROXY),
    "no port": (for_(f"{ANN}:x"), PROXY),
    "no bracket": (for_("[2001:db8::7"), PROXY),
    "bytes": (for_("\xff"), PROXY),
    "RFC 7239": ([("Forwarded", f"for={ANN};proto=https;host=a.example;by=10.0.0.1")], ANN),
    "RFC 7239, IPv6 with a port": ([("Forwarded", 'For="[2001:db8::7]:4711"')], "2001:db8::7"),
    "RFC 7239, a chain": ([("Forwarded", f"for=198.51.100.1, for={ANN}, for=10.0.0.2")], ANN),
    "RFC 7239, two lines": ([("Forwarded", f"for={ANN}"), ("Forwarded", "for=10.0.0.2")], ANN),
    "RFC 7239, unknown": ([("Forwarded", "for=unknown")], PROXY),
    "RFC 7239, obfuscated": ([("Forwarded", 'for="_gazonk"')], PROXY),
    "RFC 7239, obfuscated port": ([("Forwarded", f'for="{ANN}:_x1"')], ANN),
    "RFC 7239 without an address": ([("Forwarded", "proto=https")], PROXY),
    "RFC 7239, an open quote": ([("Forwarded", f'for="198.51.100.1, for={ANN}')], ANN),
    "both, of one mind": ([*for_(ANN), ("Forwarded", f"for={ANN}")], ANN),
    "both, at odds": ([*for_("198.51.100.1"), ("Forwarded", f"for={ANN}")], PROXY),
    "both, one without an address": ([*for_(ANN), ("Forwarded", "proto=https")], ANN),
}


@pytest.mark.parametrize(("fields", "expected"), CLIENTS.values(), ids=CLIENTS)
def test_the_client_is_the_last_address_that_is_not_a_proxy(fields: Fields, expected: str) -> None:
    found = proxies.client(request(fields), ip_address(PROXY), TRUSTED)
    assert str(found) == expected


def proto(*values: str) -> Fields:
    return [("X-Forwarded-Proto", value) for value in values]


SCHEMES: dict[str, tuple[Fields, str]] = {
    "nothing": ([], "http"),
    "most": (proto("https"), "https"),
    "capitals": (proto("HTTPS"), "https"),
    "Traefik on an upgrade": (proto("wss"), "https"),
    "Traefik on an upgrade, capitals": (proto("WSS"), "https"),
    "Traefik on an upgrade without TLS": (proto("ws"), "http"),
    "a chain": (proto("https,http"), "https"),
    "a chain without TLS": (proto("http, http"), "http"),
    "a line for each proxy": (proto("https", "http"), "https"),
    "spaces": (proto("  https  "), "https"),
    "nonsense": (proto("gopher"), "http"),
    "an empty line": (proto(""), "http"),
    "RFC 7239": ([("Forwarded", "for=x;Proto=HTTPS")], "https"),
    "RFC 7239, a chain": ([("Forwarded", "proto=https, proto=http")], "https"),
    "both": ([*proto("https"), ("Forwarded", "proto=http")], "https"),
    "Apache, older load balancers": ([("X-Forwarded-Ssl", "on")], "https"),
    "IIS": ([("Front-End-Https", "On")], "https"),
    "off": ([("X-Forwarded-Ssl", "off")], "http"),
}


@pytest.mark.parametrize(("fields", "expected"), SCHEMES.values(), ids=SCHEMES)
def test_the_scheme_is_that_of_the_outermost_proxy(fields: Fields, expected: str) -> None:
    assert proxies.scheme(request(fields)) == expected


def host(*values: str) -> Fields:
    return [("X-Forwarded-Host", value) for value in values]


HOSTS: dict[str, tuple[Fields, str]] = {
    "the proxy passes Host on": ([], "inner:3000"),
    "most": (host("a.example"), "a.example"),
    "with a port": (host("a.example:8443"), "a.example:8443"),
    "Apache: a chain": (host("a.example, inner.example"), "a.example"),
    "IPv6": (host("[2001:db8::1]:8443"), "[2001:db8::1]:8443"),
    "an empty line": (host(""), "inner:3000"),
    "a path": (host("a.example/x"), "inner:3000"),
    "a user": (host("x@a.example"), "inner:3000"),
    "bytes": (host("\x01"), "inner:3000"),
    "RFC 7239": ([("Forwarded", 'host="a.example:8443"')], "a.example:8443"),
}


@pytest.mark.parametrize(("fields", "expected"), HOSTS.values(), ids=HOSTS)
def test_the_host_is_that_of_the_outermost_proxy(fields: Fields, expected: str) -> None:
    assert proxies.host(request(fields)) == expected


@pytest.mark.parametrize("peer", ["127.0.0.1", "::ffff:127.0.0.1", "fd00::1%eth0"])
def test_a_trusted_proxy_is_recognized_in_every_notation_of_its_address(peer: str) -> None:
    found = proxies.address_of(peer)
    assert found is not None
    assert any(found in network for network in TRUSTED)


# End to end ---------------------------------------------------------------------------------------


async def behind(start_chat: StartChat, folder: Path, public_url: str = "") -> Chat:
    server = ServerSettings(trusted_proxies=["127.0.0.1"], public_url=public_url)
    chat = await start_chat(Settings(data=folder / "d", server=server, limits=FAST))
    await chat.user("ann", admin=True)
    return chat


async def test_no_forwarding_header_makes_a_request_fail(
    start_chat: StartChat, tmp_path: Path
) -> None:
    chat = await behind(start_chat, tmp_path)
    form = f'{{"username":"ann","password":"{PASSWORD}"}}'
    cases = [case[0] for table in (CLIENTS, SCHEMES, HOSTS) for case in table.values()]
    cases.remove(HOSTS["bytes"][0])  # aiohttp refuses a control character
    cases += [[(name, "\udcff")] for name in FORWARDED]
    for fields in cases:
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        head = (
            f"POST /login HTTP/1.1\r\nHost: x\r\n{lines}Content-Type: application/json\r\n"
            f"Content-Length: {len(form)}\r\n\r\n"
        )
        async with await RawConnection.to(chat.url) as line:
            await line.send(head.encode(errors="surrogateescape") + form.encode())
            assert (await line.head_of_answer()).startswith(b"HTTP/1.1 200"), fields


@pytest.mark.parametrize(
    ("public_url", "origin", "fields"),
    [
        ("", "https://chat.example", {"Host": "chat.example", "X-Forwarded-Proto": "wss"}),
        ("", "https://chat.example", {"Host": "chat.example:443", "X-Forwarded-Proto": "https"}),
        ("", "http://chat.example", {"Host": "chat.example:80"}),
        ("", "http://chat.example", {"Host": "Chat.Example"}),
        (
            "",
            "https://xn--bcher-kva.example",
            {"X-Forwarded-Host": "xn--bcher-kva.example:443", "X-Forwarded-Proto": "HTTPS"},
        ),
        ("https://chat.example:443", "https://chat.example", {}),
        ("https://Bücher.example/", "https://xn--bcher-kva.example", {}),
        ("https://xn--bcher-kva.example:8443", "https://xn--bcher-kva.example:8443", {}),
        ("http://[2001:0db8::0001]:80", "http://[2001:db8::1]", {}),
    ],
)
async def test_a_page_behind_a_proxy_can_connect_and_log_in(
    start_chat: StartChat, tmp_path: Path, public_url: str, origin: str, fields: dict[str, str]
) -> None:
    chat = await behind(start_chat, tmp_path, public_url)
    ann = await chat.logged_in("ann")
    headers = {"Origin": origin, **fields}
    assert (await ann.connect(headers=headers)).welcome["user"] == "ann"
    form = {"username": "ann", "password": PASSWORD}
    answer = await ask(chat.browser(), "POST", chat.url + "/login", form, headers)
    assert answer.status == 200


async def test_a_rejected_origin_is_logged_with_the_expected_one(
    start_chat: StartChat, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chat = await behind(start_chat, tmp_path, "https://chat.example")
    secret = "https://x.example/?token=eyJ0"
    for origin in ("http://chat.example", "null", secret):
        refused = await ask(chat.browser(), "POST", chat.url + "/logout", {}, {"Origin": origin})
        assert refused.status == 403
    lines = [vars(record) for record in caplog.records if record.message == "origin refused"]
    assert [line["origin"] for line in lines] == ["http://chat.example", "unreadable", "unreadable"]
    assert {line["own"] for line in lines} == {"https://chat.example"}
    for _ in range(20):
        await ask(chat.browser(), "POST", chat.url + "/logout", {}, {"Origin": "null"})
    assert caplog.text.count("origin refused") <= 6


async def test_the_access_log_has_the_address_of_the_client_behind_a_proxy(
    start_chat: StartChat, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chat = await behind(start_chat, tmp_path)
    caplog.set_level(logging.DEBUG, "aiohttp.access")
    for path, status, fields in (
        ("/healthz", 200, {"X-Forwarded-For": ANN}),
        ("/nowhere", 404, {"Forwarded": f"for={ANN}"}),
        ("/api/me", 401, {}),
    ):
        answer = await ask(chat.browser(), "GET", chat.url + path, headers=fields)
        assert answer.status == status
    while len(lines := [line for line in caplog.messages if " ms from " in line]) < 3:
        await asyncio.sleep(0)
    assert [line.rpartition(" ")[2] for line in lines] == [ANN, ANN, "127.0.0.1"]

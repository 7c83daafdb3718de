"""Addresses under which other devices reach the server."""

import pytest

from chatserver.web import addresses
from chatserver.web.addresses import is_local, lan_addresses, urls_for_other_devices


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:3000", True),
        ("http://127.8.9.1", True),
        ("http://localhost:3000/chat", True),
        ("http://LOCALHOST.:3000", True),
        ("http://chat.localhost", True),
        ("http://[::1]:3000", True),
        ("http://[::ffff:127.0.0.1]:3000", True),
        ("http://0.0.0.0:3000", True),
        ("http://[::]:3000", True),
        ("http://192.168.1.7:3000", False),
        ("https://localhost.example", False),
        ("https://127.example", False),
        ("/join/x", False),
        ("", False),
    ],
)
def test_a_loopback_address_is_local(url: str, local: bool) -> None:
    assert is_local(url) is local


@pytest.mark.parametrize(
    ("listening", "host", "expected"),
    [
        ("http://127.0.0.1:3000", "127.0.0.1", []),
        ("http://[::1]:3000", "::1", []),
        ("http://10.0.0.5:3000", "10.0.0.5", ["http://10.0.0.5:3000"]),
        ("https://10.0.0.5:3000", "0.0.0.0", ["https://10.0.0.5:3000", "https://192.168.1.7:3000"]),
        ("http://127.0.0.1:80", "::", ["http://10.0.0.5:80", "http://192.168.1.7:80"]),
    ],
)
def test_the_addresses_for_other_devices_are_those_that_the_server_listens_on(
    monkeypatch: pytest.MonkeyPatch, listening: str, host: str, expected: list[str]
) -> None:
    monkeypatch.setattr(addresses, "lan_addresses", lambda: ["10.0.0.5", "192.168.1.7"])
    assert urls_for_other_devices(listening, host) == expected


def test_the_address_of_the_default_route_comes_first_and_loopback_is_excluded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = iter(["10.0.0.5", "192.168.1.7", "", "127.0.0.1"])
    monkeypatch.setattr(addresses, "_source_address", lambda target: next(sources))
    assert lan_addresses() == ["10.0.0.5", "192.168.1.7"]

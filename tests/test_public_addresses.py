"""Addresses to which users may make the server connect."""

from ipaddress import ip_address

import pytest

from chatserver.public_addresses import is_public

PUBLIC = "1.1.1.1 8.8.8.8 142.250.1.1 17.57.144.1 2606:4700::1111 2a00:1450::1 64:ff9b::808:808"
LOCAL = (
    "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.0.0.1 192.168.1.1"
    " 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 168.63.129.16"
    " :: ::1 ::7f00:1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:10.0.0.1 64:ff9b::a00:1"
    " 64:ff9b:1::808:808 100::1 2001::1 2001:db8::1 2002:a00:1:: 3fff::1 5f00::1 fc00::1"
    " fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1"
)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", LOCAL.split())
def test_local_and_special_addresses_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f.1", "017700000001", "2130706433"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not is_public(text)


def test_what_python_calls_private_is_refused() -> None:
    for first in range(256):
        for second in range(256):
            address = f"{first}.{second}.3.4"
            assert not is_public(address) or ip_address(address).is_global, address

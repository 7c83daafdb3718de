"""Addresses of this server that other devices can reach, as far as the machine knows."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

ALL_INTERFACES = ("0.0.0.0", "::", "")  # noqa: S104 - values of server.host for all interfaces
# Documentation and private addresses: the route to each names the interface that leads there.
TARGETS = ("192.0.2.1", "192.168.255.254", "172.31.255.254", "10.255.255.254")

NO_ADDRESS = (
    "Other devices cannot reach this address. Start the server with --lan for the local network,"
    " or set server.public_url to the address of the proxy in front of it."
)


def is_local(url: str) -> bool:
    """Return whether a URL refers to the machine that opens it. False without a host."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def lan_addresses() -> list[str]:
    """Return this machine's IPv4 addresses, that of the default route first."""
    found = dict.fromkeys(_source_address(target) for target in TARGETS)
    return [address for address in found if address and not is_local(f"//{address}")]


def urls_for_other_devices(listening: str, host: str) -> list[str]:
    """Return the URLs for other devices, of a server at the URL `listening`, bound to `host`."""
    if host not in ALL_INTERFACES:
        return [] if is_local(listening) else [listening]
    return list(_with_hosts(listening, lan_addresses()))


def _with_hosts(listening: str, addresses: Iterable[str]) -> Iterable[str]:
    parts = urlsplit(listening)
    for address in addresses:
        yield (
            f"{parts.scheme}://{address}:{parts.port}"
            if parts.port
            else f"{parts.scheme}://{address}"
        )


def _source_address(target: str) -> str:
    """Return the source address of packets to `target`. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])

"""Headers of reverse proxies: X-Forwarded-For, -Proto and -Host, and Forwarded (RFC 7239).

They are trusted only from configured proxies. Where a header cannot be parsed, the proxy's own
value counts: its address, the scheme of its connection, the host it requested.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from chatserver.origins import origin

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FROM_TRUSTED_PROXY = web.RequestKey("from_trusted_proxy", bool)
CLIENT = web.RequestKey("client", str)  # the address that a trusted proxy reports, for the log
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded")
LOCAL = ip_address("127.0.0.1")  # stands for a peer on a Unix socket
SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
ON = {"X-Forwarded-Ssl": ("on", "1"), "Front-End-Https": ("on", "1")}  # headers that mean https


def trust(proxies: list[str], *, unix: bool = False) -> list[Middleware]:
    """Return a middleware that shows handlers the request as the outermost trusted proxy got it.

    `unix`: peers on a Unix socket are trusted proxies as well. Empty without a proxy.
    """
    networks = [ip_network(proxy) for proxy in (*proxies, *([str(LOCAL)] if unix else []))]

    @web.middleware
    async def proxied(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = address_of(request.remote or (str(LOCAL) if unix else ""))
        if peer is None or not _is_in(peer, networks):
            return await handler(request)
        shown = request.clone(
            remote=str(client(request, peer, networks)),
            scheme=scheme(request),
            host=host(request),
        )
        shown[FROM_TRUSTED_PROXY] = True
        request[CLIENT] = str(shown.remote)
        return await handler(shown)

    return [proxied] if networks else []


def client(request: web.Request, peer: Address, networks: Sequence[Network]) -> Address:
    """Return the address nearest to `peer`, including itself, that is not a trusted proxy's.

    A proxy passes on headers that it does not know: if both headers name different clients, the
    client may have written one of them, and neither is trusted.
    """
    listed = request.headers.getall("X-Forwarded-For", [])
    hops = [hop for field in listed for hop in field.split(",") if hop.strip()]
    elements = [element.get("for", "") for element in request.forwarded]
    found = [_nearest(some, peer, networks) for some in (hops, elements) if any(some)]
    return found[0] if found and len(set(found)) == 1 else peer


def _nearest(hops: Sequence[str], peer: Address, networks: Sequence[Network]) -> Address:
    nearest = peer
    for hop in reversed(hops):
        address = address_of(hop)
        if address is None:
            break
        nearest = address
        if not _is_in(address, networks):
            break
    return nearest


def scheme(request: web.Request) -> str:
    """Return the scheme of the browser's request."""
    value = next(_values(request, "X-Forwarded-Proto", "proto"), "").lower()
    if value in SCHEMES:
        return SCHEMES[value]
    is_on = any(request.headers.get(name, "").lower() in on for name, on in ON.items())
    return "https" if is_on and not value else request.scheme


def host(request: web.Request) -> str:
    """Return the host and port of the browser's request."""
    value = next(_values(request, "X-Forwarded-Host", "host"), "")
    return value if origin(f"http://{value}") else request.host


def _values(request: web.Request, header: str, parameter: str) -> Iterator[str]:
    """Yield values from the outermost proxy to the nearest, X-Forwarded-* first."""
    for field in request.headers.getall(header, []):
        yield from (value.strip() for value in field.split(","))
    yield from (each[parameter] for each in request.forwarded if parameter in each)


def address_of(text: str) -> Address | None:
    """Parse an address with or without brackets, port and zone; None if invalid."""
    text = text.strip().strip('"').strip()
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            return None
    elif text.count(":") == 1:
        text, _colon, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_port(text: str) -> bool:
    """Return whether it is a port of RFC 7239, 6: a number, or an obfuscated port."""
    return text.startswith(":") and (text[1:].isdigit() or text.startswith(":_"))


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)

"""Address of a client, as the key of rate limits."""

from ipaddress import IPv6Address, ip_address

from aiohttp import web


def client_address(request: web.Request) -> str:
    """Return the client's address for rate limits: an IPv6 /64 counts as one."""
    remote = request.remote or "local"
    try:
        parsed = ip_address(remote)
    except ValueError:
        return remote
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return ":".join(parsed.exploded.split(":")[:4])
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)

"""X-Forwarded-* headers, believed only from the proxies that the configuration names."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp_remotes import XForwardedFiltered

from chatserver.web.session import BELIEVED

Network = IPv4Network | IPv6Network


def trust(proxies: list[str]) -> Middleware:
    """A middleware that shows handlers the outer request.

    aiohttp-remotes looks at the addresses in the header alone, so the peer itself is checked here:
    otherwise whoever connects directly could claim to be anybody.
    """
    networks = [ip_network(proxy) for proxy in proxies]
    outer = XForwardedFiltered(networks)

    @web.middleware
    async def proxied(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_trusted(request.remote, networks):
            return await handler(request)

        async def believed(shown: web.Request) -> web.StreamResponse:
            shown[BELIEVED] = True
            return await handler(shown)

        return await outer.middleware(request, believed)

    return proxied


def _is_trusted(peer: str | None, networks: list[Network]) -> bool:
    try:
        address = ip_address(peer or "")
    except ValueError:
        return False
    return any(address in network for network in networks)

"""URLs of this server, as configured, as requested, or where it listens.

Owns the listening URL and the mount path.
"""

import time
from typing import Any

from aiohttp import web

from chatserver.config import Settings
from chatserver.origins import origin
from chatserver.web.addresses import is_local, urls_for_other_devices
from chatserver.web.authentication import RequestAuthenticator
from chatserver.web.proxies import FORWARDED, FROM_TRUSTED_PROXY


class ServerUrls:
    """URLs of this server, for links and for the origin check."""

    def __init__(self, settings: Settings, authenticator: RequestAuthenticator) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self.mount_path = ""  # the path under which visitors find the chat, like /chat
        self.listening_url = ""  # where browsers reach this server, as far as it knows

    def base_url(self, request: web.Request) -> str:
        """Return the URL of this server: as configured, as requested, or where it listens."""
        if self._authenticator.is_operator(request):  # the control socket's routes have no prefix
            return (self._settings.origin or self.listening_url) + self.mount_path
        return self.own_origin(request)

    def reachable_urls(self, request: web.Request) -> list[str]:
        """Return the URLs of this server for other devices, the best first."""
        own = self.base_url(request)
        if not is_local(own):
            return [own]
        if self._settings.origin or not self.listening_url:
            return []
        found = urls_for_other_devices(self.listening_url, self._settings.server.host)
        return [
            address + (self.mount_path if self._authenticator.is_operator(request) else "")
            for address in found
        ]

    def request_info(self, request: web.Request) -> dict[str, Any]:
        """Return how a request reached the server. `at` is the server's time in ms UTC."""
        return {
            "at": time.time_ns() // 1_000_000,
            "origin": _request_origin(request),
            "public_url": self._settings.origin,
            "addresses": self.reachable_urls(request),
            "secure": request.secure,
            "forwarded": any(name in request.headers for name in FORWARDED),
            "trusted": request.get(FROM_TRUSTED_PROXY, False),
        }

    def invite_url(self, request: web.Request, code: str, address: str = "") -> str:
        """Return the link of an invitation at one of the `reachable_urls`, by default the first."""
        known = self.reachable_urls(request) or [self.base_url(request)]
        chosen = address if address in known else known[0]
        return chosen + str(request.app.router["join_page"].url_for(code=code))

    def own_origin(self, request: web.Request) -> str:
        """Return the origin as configured, or as requested."""
        return self._settings.origin or _request_origin(request)


def _request_origin(request: web.Request) -> str:
    """Return the server's origin as seen by the request or the proxy."""
    return origin(f"{request.scheme}://{request.host}")


def same_site_path(path: str) -> str:
    """Return the path if it leads to this server, else ""."""
    local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if local and path.isprintable() else ""

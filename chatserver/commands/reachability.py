"""Checks of `doctor` that browsers can reach the server at its public address."""

import errno
import os
from collections.abc import AsyncIterator, Iterator

import aiohttp

from chatserver.commands.findings import Finding
from chatserver.config import Settings
from chatserver.web.addresses import NO_ADDRESS, is_local, urls_for_other_devices

TIMEOUT = aiohttp.ClientTimeout(total=20.0, sock_connect=5.0, sock_read=5.0)
UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH)  # from here; browsers have other routes
ORIGIN_REFUSED, UPGRADED = 403, 101

NO_TLS = (
    "server.public_url says https, but nothing here does TLS: name the proxy that does in"
    " server.trusted_proxies"
)

OF_THIS_MACHINE = (
    "other devices cannot reach this address: server.public_url must be the one that they use"
)


async def reached(settings: Settings) -> AsyncIterator[Finding]:
    """Yield checks of `server.public_url`, tried from this machine without logging in."""
    for finding in configured(settings):
        yield finding
    if settings.origin:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
            try:
                yield await _page(http, settings.origin)
                yield await _socket(http, settings.origin)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                yield _unreached(settings.origin, error)


def configured(settings: Settings) -> Iterator[Finding]:
    """Yield contradictions between settings."""
    server, is_https = settings.server, settings.origin.startswith("https:")
    behind_proxy = server.trusted_proxies or server.unix_socket
    if is_https and not (server.tls_cert or behind_proxy):
        yield False, NO_TLS
    if server.tls_cert and settings.origin and not is_https:
        yield False, "server.public_url says http, but server.tls_cert is set"


def _unreached(origin: str, error: Exception) -> Finding:
    """Judge a failed request: only one that the route from this machine explains is a warning.

    Many routers drop packets from their own network to their public address.
    """
    if _may_be_local(error):
        return None, (
            f"{origin}: not checked, because this machine has no route to it ({_reason(error)})."
            " Try it in a browser on another network"
        )
    return False, f"{origin}: cannot be reached: {_reason(error)}"


def _may_be_local(error: Exception) -> bool:
    if isinstance(error, TimeoutError):
        return not isinstance(error, aiohttp.SocketTimeoutError)  # which is after connecting
    return getattr(error, "errno", None) in UNREACHABLE


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name does not resolve"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not valid ({error.certificate_error})"
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number > 0 else str(error)


def links(settings: Settings) -> Finding:
    """Check the URL that invitation links begin with."""
    if settings.origin:
        sound = not is_local(settings.origin)
        return sound, f"{settings.origin}: " + (
            "invitation links begin with it" if sound else OF_THIS_MACHINE
        )
    host, port = settings.server.host, settings.server.port
    scheme = "https" if settings.server.tls_cert else "http"
    found = urls_for_other_devices(f"{scheme}://{host}:{port}", host)
    if found:
        return True, f"addresses for other devices: {', '.join(found)}"
    return None, f"no address for other devices is known. {NO_ADDRESS}"


async def _page(http: aiohttp.ClientSession, origin: str) -> Finding:
    """Check the page; a server that knows of TLS sends Strict-Transport-Security."""
    async with http.post(f"{origin}/logout", headers={"Origin": origin}) as answer:
        if answer.status == ORIGIN_REFUSED:
            return False, f"{origin}: logging in is refused: the proxy changes Host or Origin"
        if answer.status != 200:
            return False, f"{origin}: answers {answer.status}, which is not from chatserver"
        knows = "Strict-Transport-Security" in answer.headers or origin.startswith("http:")
    return knows, f"{origin}: " + (
        "reached" if knows else "the proxy does not say that it does TLS (X-Forwarded-Proto)"
    )


async def _socket(http: aiohttp.ClientSession, origin: str) -> Finding:
    """Check WebSockets: a connection with an invalid token is accepted, then closed."""
    try:
        async with http.ws_connect(f"{origin}/ws?token=none", origin=origin):
            return True, f"{origin}: WebSockets pass"
    except aiohttp.WSServerHandshakeError as error:
        if error.status == ORIGIN_REFUSED:
            return False, f"{origin}: WebSockets are refused: the proxy changes Host or Origin"
        return False, f"{origin}: WebSockets do not pass ({error.status}): see docs/operating.md"

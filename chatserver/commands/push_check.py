"""Checks of `doctor` that notifications can reach browsers while the chat is closed."""

import asyncio
from collections.abc import Iterator

from chatserver.clocks import wall
from chatserver.commands.findings import Finding
from chatserver.config import Settings
from chatserver.storage.engine import Database
from chatserver.storage.push_targets import PushTargets

TIMEOUT = 5.0  # seconds to connect to a push service
NO_TLS = (
    "notifications: browsers offer them only over https, or on this machine: see docs/operating.md,"
    " Notifications"
)


async def push_findings(settings: Settings) -> list[Finding]:
    """Return whether browsers offer notifications, and whether their services are reached."""
    database = Database(settings.database_url, read_only=True)
    try:
        services = await PushTargets(database, clock=wall).services()
    finally:
        await database.close()
    reached = await asyncio.gather(*(_is_reached(service) for service in services))
    return [
        *_without_tls(settings),
        *(_finding(*one) for one in zip(services, reached, strict=True)),
    ]


def _without_tls(settings: Settings) -> Iterator[Finding]:
    server = settings.server
    behind_proxy = server.trusted_proxies or server.unix_socket
    if not (settings.origin.startswith("https:") or server.tls_cert or behind_proxy):
        yield None, NO_TLS


def _finding(service: str, reached: bool) -> Finding:
    if reached:
        return True, f"notifications: {service} can be reached"
    return None, f"notifications: {service} cannot be reached, so its browsers get none"


async def _is_reached(service: str) -> bool:
    """Connect to a push service, given as `host` or `host:port`."""
    host, _, port = service.partition(":")
    try:
        async with asyncio.timeout(TIMEOUT):
            _reader, writer = await asyncio.open_connection(host, int(port or 443))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True

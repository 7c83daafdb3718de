"""DNS resolver of requests to push services, which refuses names that lead into a local network.

The request connects to the addresses that were checked, so a name that resolves differently the
next time is no way around the check.
"""

import socket
from collections.abc import Callable

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from chatserver.public_addresses import is_public


class PublicResolver(AbstractResolver):
    """Resolves names of which all addresses are public, and those that the operator has allowed."""

    def __init__(self, is_allowed: Callable[[str, int], bool]) -> None:
        """`is_allowed`: whether a host and port may have local addresses."""
        self._is_allowed = is_allowed
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises OSError, also for a name with one address that is not public."""
        found = await self._inner.resolve(host, port, family)
        if not self._is_allowed(host, port) and not all(is_public(each["host"]) for each in found):
            raise OSError(f"{host} has an address that is not public")
        return found

    async def close(self) -> None:
        await self._inner.close()

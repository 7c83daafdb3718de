"""Limit for HTTP connections that are idle. Owns their order."""

from typing import Protocol


class IdleConnection(Protocol):
    """What the limit needs of a connection; `address` is the peer's IP address.

    Implemented in `web.aiohttp_internals`, which imports this module.
    """

    address: str

    def abort(self) -> None: ...


class IdleConnections:
    """Connections before their first request or between two, by address, longest idle first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._by_address: dict[str, dict[IdleConnection, None]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, connection: "IdleConnection") -> None:
        """Add a connection. Above the limit, abort the longest idle one of the busiest address."""
        self._by_address.setdefault(connection.address, {})[connection] = None
        self._count += 1
        if self._count > self._most:
            crowded = max(self._by_address, key=lambda address: len(self._by_address[address]))
            oldest = next(iter(self._by_address[crowded]))
            self.discard(oldest)
            oldest.abort()

    def discard(self, connection: "IdleConnection") -> None:
        of_address = self._by_address.get(connection.address, {})
        if connection in of_address:
            self._count -= 1
            del of_address[connection]
            if not of_address:
                del self._by_address[connection.address]

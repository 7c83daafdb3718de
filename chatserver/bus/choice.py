"""The bus of a node: Redis, or none if no URL is configured."""

from chatserver.bus import Bus, NoPeers
from chatserver.supervisor import Supervisor


def make_bus(url: str, supervisor: Supervisor) -> Bus:
    """Return the bus. Raises StartError without the redis package."""
    if not url:
        return NoPeers()
    from chatserver.bus.redis import RedisBus

    return RedisBus(url, supervisor)

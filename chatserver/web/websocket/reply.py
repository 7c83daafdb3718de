"""Replies to commands that may change something, which are limited in time."""

from collections.abc import Awaitable, Callable

from chatserver import protocol
from chatserver.deadline import run_shielded
from chatserver.realtime.connection import Connection
from chatserver.web import time_limit


class PendingReply:
    """The reply to a command, until it times out."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection

    def send(self, reply: protocol.Reply) -> None:
        if self._connection is not None:
            self._connection.reply(protocol.encode(reply))

    def close(self) -> None:
        self._connection = None


async def run_write(
    connection: Connection, work: Callable[[PendingReply], Awaitable[None]]
) -> None:
    """Run a command that may change something. Raises Unavailable after the time limit."""
    reply = PendingReply(connection)
    try:
        await run_shielded(work(reply), time_limit.new_timer())
    finally:
        reply.close()

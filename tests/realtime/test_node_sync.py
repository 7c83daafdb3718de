"""Polling of the database by several nodes."""

from contextlib import nullcontext
from typing import Any

from chatserver.realtime.node_sync import ROOM_BATCH, NodeSync
from chatserver.realtime.pending_connections import PendingConnection


class Node:
    """A hub with subscriptions to so many rooms, and a log with one event in each."""

    def __init__(self, rooms: int) -> None:
        self._rooms = rooms
        self.batches: list[int] = []  # rooms in each query
        self.gaps: dict[int, int] = {}
        self.connections: list[Any] = []
        self.presence = self.subscriptions = self

    def check_nodes(self) -> None: ...

    def connecting(self) -> nullcontext[PendingConnection]:
        return nullcontext(PendingConnection())

    def users(self) -> list[int]:
        return []

    async def joined_since(self, _users: list[int], _since: int) -> list[Any]:
        return []

    def connections_of(self, _user_id: int) -> list[Any]:
        return []

    async def facts(self, _rooms: set[int]) -> dict[int, Any]:
        return {}

    def notify_gap(self, room: int, seq: int) -> None:
        self.gaps[room] = seq

    def rooms(self) -> list[int]:
        return list(range(self._rooms))

    async def heads(self, rooms: list[int]) -> dict[int, int]:
        self.batches.append(len(rooms))
        return dict.fromkeys(rooms, 1)


async def test_very_many_rooms_are_polled_in_batches() -> None:
    node: Any = Node(2 * ROOM_BATCH + 1)
    await NodeSync(node, node, node, node, node, now=lambda: 0).poll()
    assert node.batches == [ROOM_BATCH, ROOM_BATCH, 1]
    assert node.gaps == dict.fromkeys(range(2 * ROOM_BATCH + 1), 1)

"""Writes of frames that are not events: in order, and limited in each turn of the event loop."""

import asyncio
from typing import Any

import pytest

from chatserver.models import User
from chatserver.realtime.connection import WRITES_PER_TURN, Connection
from chatserver.realtime.ephemeral_writes import EphemeralWrites
from tests.fakes import RecordingTransport

ROOMS = range(1, 101)


class Written(RecordingTransport):
    """Counts the writes of all connections."""

    def __init__(self, writes: list[bytes]) -> None:
        super().__init__()
        self._writes = writes

    def write(self, data: Any) -> None:
        super().write(data)
        self._writes.append(bytes(data))


def connect(transport: RecordingTransport) -> Connection:
    connection = Connection(
        transport,
        User(1, "ann", "Ann"),
        session_id="s1",
        expires_at=1,
        lifetime=2,
        limit=1_000,
        last_received=0,
    )
    connection.rooms.update(ROOMS)
    return connection


@pytest.mark.parametrize("subscribers", [1, WRITES_PER_TURN - 1, WRITES_PER_TURN, 300])
async def test_a_burst_in_many_rooms_writes_to_some_connections_in_a_turn(
    subscribers: int,
) -> None:
    writes: list[bytes] = []
    slow: list[Connection] = []
    connections = [connect(Written(writes)) for _ in range(subscribers)]
    queue = EphemeralWrites(slow.append)
    for room in ROOMS:
        queue.add(room, b"%03d" % room, connections)
    counts = [len(writes)]
    while len(writes) < len(ROOMS) * subscribers:
        await asyncio.sleep(0)
        counts.append(len(writes))
    turns = [after - before for before, after in zip([0, *counts], counts, strict=False)]
    assert max(turns) <= WRITES_PER_TURN
    assert writes == [b"%03d" % room for room in ROOMS for _ in range(subscribers)]
    assert slow == []


async def test_writes_after_a_pause_begin_at_once() -> None:
    writes: list[bytes] = []
    queue = EphemeralWrites(lambda _connection: None)
    for frame in (b"one", b"two"):
        queue.add(1, frame, [connect(Written(writes))])
        assert writes[-1] == frame
        for _ in range(3):
            await asyncio.sleep(0)


async def test_a_connection_that_left_the_room_gets_nothing_more() -> None:
    writes: list[bytes] = []
    queue = EphemeralWrites(lambda _connection: None)
    connections = [connect(Written(writes)) for _ in range(WRITES_PER_TURN + 1)]
    queue.add(1, b"typing", connections)
    connections[-1].rooms.discard(1)
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(writes) == WRITES_PER_TURN

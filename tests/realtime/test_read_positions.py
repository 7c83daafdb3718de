"""Read positions that wait to be stored: never a foreign room's, never too many at once."""

import asyncio
from typing import Any

import pytest

from chatserver.errors import Unavailable
from chatserver.models import User
from chatserver.realtime.connection import Connection
from chatserver.realtime.read_positions import BATCH_SIZE, ReadPositions
from chatserver.storage.rooms import ReadPosition
from tests.fakes import FakeClock, RecordingTransport, SkippingLoop, run_skipping

Positions = dict[tuple[int, int], int]


class Shelf:
    """The database as far as positions go: remembers every transaction, and may be away."""

    def __init__(self) -> None:
        self.stored: list[Positions] = []
        self.is_away = False
        self.fault: Exception | None = None
        self.asked = asyncio.Event()

    async def advance_reads(self, positions: Positions) -> list[ReadPosition]:
        self.asked.set()
        if self.fault is not None:
            raise self.fault
        if self.is_away:
            raise Unavailable
        self.stored.append(positions)
        return []


def somebody(*rooms: int) -> Connection:
    ann = Connection(
        RecordingTransport(),
        User(1, "ann", "Ann"),
        session_id="s1",
        expires_at=1,
        lifetime=2,
        limit=1_000,
        last_received=0,
    )
    ann.rooms.update(rooms)
    return ann


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def reads(shelf: Shelf) -> ReadPositions:
    nobody: Any = None  # is told of nothing, for nothing moves
    rooms: Any = shelf
    return ReadPositions(nobody, rooms, clock=FakeClock())


async def test_a_room_that_one_does_not_hear_costs_nothing(
    reads: ReadPositions, shelf: Shelf
) -> None:
    for room in range(1, 1_000):
        reads.read(somebody(7), room, 5)
    await reads.flush()
    assert shelf.stored == [{(1, 7): 5}]


class Crowd:
    """A hub with that many listeners in each room; counts the signals."""

    def __init__(self, listeners: int) -> None:
        self._listeners = listeners
        self.sent = 0

    def count_subscribers(self, _room: int) -> int:
        return self._listeners

    def send_ephemeral(self, _frames: bytes, **_to: object) -> None:
        self.sent += 1


@pytest.mark.parametrize(("listeners", "sent"), [(10, 400), (1_000, 10), (5_000, 2)])
async def test_typing_takes_so_many_frames_in_a_room_however_many_type(
    shelf: Shelf, listeners: int, sent: int
) -> None:
    hub: Any = Crowd(listeners)
    rooms: Any = shelf
    reads = ReadPositions(hub, rooms, clock=FakeClock())
    for number in range(400):
        user = somebody(7)
        user.user = User(number, f"user{number}", "User")
        reads.typing(user, 7)
    assert hub.sent == sent


async def test_typing_of_a_user_in_many_rooms_takes_as_many_frames_as_in_one(shelf: Shelf) -> None:
    hub: Any = Crowd(1_000)
    rooms: Any = shelf
    reads = ReadPositions(hub, rooms, clock=FakeClock())
    ann = somebody(*range(100))
    for room in range(100):
        reads.typing(ann, room)
    assert hub.sent == 10


async def test_a_position_that_waits_only_moves_forward(reads: ReadPositions, shelf: Shelf) -> None:
    for seq in (3, 9, 4):
        reads.read(somebody(7), 7, seq)
    await reads.flush()
    assert shelf.stored == [{(1, 7): 9}]


async def test_very_many_positions_are_stored_in_short_transactions(
    reads: ReadPositions, shelf: Shelf
) -> None:
    ann = somebody(*range(2 * BATCH_SIZE + 1))
    for room in sorted(ann.rooms):
        reads.read(ann, room, 1)
    for _ in range(3):
        await reads.flush()
    assert [len(positions) for positions in shelf.stored] == [BATCH_SIZE, BATCH_SIZE, 1]
    assert {room for positions in shelf.stored for _user, room in positions} == ann.rooms


def test_what_could_not_be_stored_waits_and_goes_not_back(
    reads: ReadPositions, shelf: Shelf
) -> None:
    async def story(loop: SkippingLoop) -> None:
        ann = somebody(7, 8)
        reads.read(ann, 7, 9)
        shelf.is_away = True
        flushing = loop.create_task(reads.flush())
        await loop.skip(0)
        reads.read(ann, 7, 3)
        reads.read(ann, 8, 1)
        shelf.is_away = False
        await loop.skip(2)
        await flushing
        await reads.flush()

    run_skipping(story)
    assert shelf.stored == [{(1, 7): 9, (1, 8): 1}]


async def test_a_fault_costs_some_positions_and_no_later_ones(
    reads: ReadPositions, shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    running = asyncio.create_task(reads.run())
    shelf.fault = ValueError("a bug")
    for seq in (1, 2):
        shelf.asked.clear()
        reads.read(somebody(7), 7, seq)
        async with asyncio.timeout(10):
            await shelf.asked.wait()
        shelf.fault = None
    running.cancel()
    await asyncio.wait([running])
    assert shelf.stored == [{(1, 7): 2}]
    assert "storing read positions failed" in caplog.text

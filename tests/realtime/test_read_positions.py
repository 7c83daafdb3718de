"""Read positions that wait to be stored: subscriptions, batches and retries."""

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


class FakeStore:
    """Fake of the database for positions: records every transaction, and can fail."""

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


def connected(*rooms: int) -> Connection:
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
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def reads(store: FakeStore) -> ReadPositions:
    nobody: Any = None  # is never notified, because no position moves
    rooms: Any = store
    return ReadPositions(nobody, rooms, clock=FakeClock())


async def test_a_position_in_a_room_without_a_subscription_is_dropped(
    reads: ReadPositions, store: FakeStore
) -> None:
    for room in range(1, 1_000):
        reads.read(connected(7), room, 5)
    await reads.flush()
    assert store.stored == [{(1, 7): 5}]


class Crowd:
    """Fake hub with so many subscribers in each room; counts the frames."""

    def __init__(self, listeners: int) -> None:
        self._listeners = listeners
        self.sent = 0

    def count_subscribers(self, _room: int) -> int:
        return self._listeners

    def send_ephemeral(self, _frames: bytes, **_to: object) -> None:
        self.sent += 1


@pytest.mark.parametrize(("listeners", "sent"), [(10, 400), (1_000, 10), (5_000, 2)])
async def test_the_number_of_typing_frames_in_a_room_is_limited(
    store: FakeStore, listeners: int, sent: int
) -> None:
    hub: Any = Crowd(listeners)
    rooms: Any = store
    reads = ReadPositions(hub, rooms, clock=FakeClock())
    for number in range(400):
        user = connected(7)
        user.user = User(number, f"user{number}", "User")
        reads.typing(user, 7)
    assert hub.sent == sent


async def test_typing_in_many_rooms_sends_as_many_frames_as_in_one(
    store: FakeStore,
) -> None:
    hub: Any = Crowd(1_000)
    rooms: Any = store
    reads = ReadPositions(hub, rooms, clock=FakeClock())
    ann = connected(*range(100))
    for room in range(100):
        reads.typing(ann, room)
    assert hub.sent == 10


async def test_a_pending_position_only_moves_forward(
    reads: ReadPositions, store: FakeStore
) -> None:
    for seq in (3, 9, 4):
        reads.read(connected(7), 7, seq)
    await reads.flush()
    assert store.stored == [{(1, 7): 9}]


async def test_very_many_positions_are_stored_in_batches(
    reads: ReadPositions, store: FakeStore
) -> None:
    ann = connected(*range(2 * BATCH_SIZE + 1))
    for room in sorted(ann.rooms):
        reads.read(ann, room, 1)
    for _ in range(3):
        await reads.flush()
    assert [len(positions) for positions in store.stored] == [BATCH_SIZE, BATCH_SIZE, 1]
    assert {room for positions in store.stored for _user, room in positions} == ann.rooms


def test_positions_that_could_not_be_stored_are_retried_and_never_move_back(
    reads: ReadPositions, store: FakeStore
) -> None:
    async def story(loop: SkippingLoop) -> None:
        ann = connected(7, 8)
        reads.read(ann, 7, 9)
        store.is_away = True
        flushing = loop.create_task(reads.flush())
        await loop.skip(0)
        reads.read(ann, 7, 3)
        reads.read(ann, 8, 1)
        store.is_away = False
        await loop.skip(2)
        await flushing
        await reads.flush()

    run_skipping(story)
    assert store.stored == [{(1, 7): 9, (1, 8): 1}]


async def test_an_unexpected_exception_drops_a_batch_and_later_ones_are_stored(
    reads: ReadPositions, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    running = asyncio.create_task(reads.run())
    store.fault = ValueError("a bug")
    for seq in (1, 2):
        store.asked.clear()
        reads.read(connected(7), 7, seq)
        async with asyncio.timeout(10):
            await store.asked.wait()
        store.fault = None
    running.cancel()
    await asyncio.wait([running])
    assert store.stored == [{(1, 7): 2}]
    assert "storing read positions failed" in caplog.text

"""Read positions that wait to be stored: batches and retries."""

import asyncio
from typing import Any

import pytest

from chatserver.errors import Unavailable
from chatserver.models import User
from chatserver.realtime import read_positions
from chatserver.realtime.connection import Connection
from chatserver.realtime.read_positions import BATCH_SIZE, MAX_PENDING, ReadPositions
from chatserver.storage.rooms import ReadPosition
from tests.fakes import FakeClock, RecordingTransport, SkippingLoop, run_skipping

ANN, BO, CY = (User(number, name, name) for number, name in enumerate(("ann", "bo", "cy"), 1))

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


def connected(*rooms: int, user: User = ANN) -> Connection:
    ann = Connection(
        RecordingTransport(),
        user,
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


async def test_a_position_in_a_room_that_is_not_announced_yet_is_stored(
    reads: ReadPositions, store: FakeStore
) -> None:
    reads.read(connected(), 7, 5)
    await reads.flush()
    assert store.stored == [{(1, 7): 5}]


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


async def test_positions_above_the_limit_of_a_user_are_dropped_and_none_of_others(
    reads: ReadPositions, store: FakeStore
) -> None:
    rooms = range(MAX_PENDING + 500)
    ann, bo = connected(*rooms), connected(7, user=BO)
    for room in rooms:
        reads.read(ann, room, 5)
    reads.read(ann, 0, 6)  # it waits already
    reads.read(bo, 7, 42)
    while not store.stored or store.stored[-1]:
        await reads.flush()
    stored = {key: seq for batch in store.stored for key, seq in batch.items()}
    assert stored.pop((BO.id, 7)) == 42
    assert {room for _user, room in stored} == set(range(MAX_PENDING))
    assert stored[ANN.id, 0] == 6


async def test_a_batch_takes_positions_of_all_users_in_turn(
    reads: ReadPositions, store: FakeStore
) -> None:
    many = range(2 * BATCH_SIZE)
    ann, cy = connected(*many), connected(*many, user=CY)
    for room in many:
        reads.read(ann, room, 1)
        reads.read(cy, room, 1)
    others = [User(number, f"user{number}", "User") for number in range(10, 30)]
    for user in others:
        reads.read(connected(7, user=user), 7, 1)
    await reads.flush()
    (first,) = store.stored
    assert {(user.id, 7) for user in others} <= first.keys()
    assert [room for user, room in first if user == ANN.id] == [*range(40)]
    reads.read(connected(7, user=BO), 7, 1)
    await reads.flush()
    assert (BO.id, 7) in store.stored[1]


async def test_a_user_with_many_positions_that_are_retried_delays_no_other(
    reads: ReadPositions, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_positions, "RETRY_DELAY", 0)
    ann = connected(*range(MAX_PENDING))
    for room in ann.rooms:
        reads.read(ann, room, 1)
    store.is_away = True
    await reads.flush()
    store.is_away = False
    reads.read(connected(7, user=BO), 7, 1)
    await reads.flush()
    assert (BO.id, 7) in store.stored[0]


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

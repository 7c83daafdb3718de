"""Presence frames: encoded once, written in batches, large lists less often."""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from chatserver.protocol import Person, encode_events
from chatserver.realtime import presence_broadcaster
from chatserver.realtime.connection import WRITES_PER_TURN
from chatserver.realtime.presence import PresenceState
from chatserver.realtime.presence_broadcaster import (
    BYTES_PER_TURN,
    INTERVAL,
    MAX_LIST_INTERVAL,
    PresenceBroadcaster,
)


class Harness:
    """A presence broadcaster with counting connections and a fake clock."""

    def __init__(self, *, lists: int, changes: int = 0) -> None:
        self.now = 0.0
        self.presence = PresenceState()
        listing = [SimpleNamespace(lists_presence=True) for _ in range(lists)]
        others = [SimpleNamespace(lists_presence=False) for _ in range(changes)]
        self.connections: list[Any] = [*others, *listing]
        self.writes: list[tuple[bytes, int]] = []  # a frame, and the number of recipients, per turn
        self.broadcaster = PresenceBroadcaster(
            self.presence, lambda: self.connections, self._write, lambda: None, lambda: self.now
        )

    def _write(self, frame: bytes, to: Iterable[Any]) -> None:
        self.writes.append((frame, len(list(to))))

    def change(self, name: str, *, size: int = 1) -> None:
        self.presence.connect(Person(name, "x" * size))
        self.broadcaster.changed()

    async def frames(self, connections: int) -> list[bytes]:
        """Wait until so many writes; return the distinct frames."""
        while sum(count for _, count in self.writes) < connections:
            await asyncio.sleep(0)
        return list(dict.fromkeys(frame for frame, _ in self.writes))


async def test_a_list_is_encoded_once_for_all_recipients(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = encode_events.group_list

    def counting(users: bytes | bytearray) -> bytes:
        encoded.append(len(users))
        return encode(users)

    monkeypatch.setattr(encode_events, "group_list", counting)
    harness = Harness(lists=3 * WRITES_PER_TURN)
    harness.change("ann")
    assert len(await harness.frames(3 * WRITES_PER_TURN)) == len(encoded) == 1
    assert [count for _, count in harness.writes] == [WRITES_PER_TURN] * 3
    harness.broadcaster.close()


@pytest.mark.parametrize("kind", ["lists", "changes"])
async def test_large_frames_are_written_to_few_connections_per_turn(kind: str) -> None:
    harness = Harness(lists=0, changes=9) if kind == "changes" else Harness(lists=9)
    harness.change("ann", size=BYTES_PER_TURN // 3)
    await harness.frames(9)
    assert [count for _, count in harness.writes] == [2, 2, 2, 2, 1]
    larger = Harness(lists=3)
    larger.change("ann", size=2 * BYTES_PER_TURN)
    await larger.frames(3)
    harness.broadcaster.close()
    larger.broadcaster.close()
    assert [count for _, count in larger.writes] == [1, 1, 1]


async def test_changes_do_not_wait_for_the_next_large_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_broadcaster, "INTERVAL", 0)
    harness = Harness(lists=20, changes=1)
    harness.change("ann", size=1_500_000)  # 3 seconds until the next list
    await harness.frames(21)
    harness.writes.clear()
    for count, name in enumerate(("bo", "cy"), 1):
        harness.change(name)
        await harness.frames(count)
    assert [count for _, count in harness.writes] == [1, 1]
    harness.broadcaster.close()


@pytest.mark.parametrize(
    ("size", "seconds"), [(1, INTERVAL), (20_000_000, 2.0), (10**12, MAX_LIST_INTERVAL)]
)
def test_the_interval_of_lists_grows_with_their_size(size: int, seconds: float) -> None:
    assert presence_broadcaster._list_interval(size) == seconds

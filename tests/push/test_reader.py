"""The choice of members who get pushes, for large rooms."""

import asyncio
import time
from functools import partial

import pytest

from chatserver.notification_rules import RoomLevel
from chatserver.protocol import Rules
from chatserver.push.reader import Note, PushReader
from chatserver.push.wanted import wanted_by_level
from chatserver.storage import slices
from chatserver.storage.push_claims import Candidate
from chatserver.storage.push_messages import PushedMessage, PushedRoom
from chatserver.storage.push_targets import Level, OwnedTarget

MEMBERS = 200


class Claims:
    """A room of MEMBERS with 100 messages that nobody has read."""

    async def candidates(self, _room: int, _upto: int) -> list[Candidate]:
        levels = frozenset([Level.ALL])
        choices = Rules(level="all"), RoomLevel.DEFAULT
        return [Candidate(number, 0, 0, *choices, levels) for number in range(MEMBERS)]

    async def messages(self, room: int, _after: int, _upto: int) -> PushedRoom:
        written = [PushedMessage(seq, -1, "ann", "Ann", "", "", frozenset()) for seq in range(100)]
        return PushedRoom(room, "", False, MEMBERS, written)

    async def claim(self, *_all: object) -> list[OwnedTarget]:
        return []


async def test_the_choice_for_many_members_lets_other_tasks_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slices, "TURN", 0.0)
    claims: object = Claims()
    wants = partial(wanted_by_level, now=lambda: 0, all_members=0)
    options = {
        "wants": wants,
        "is_visible": lambda _user: False,
        "clock": time.monotonic,
        "now": lambda: 0,
    }
    reader = PushReader(claims, None, None, **options)  # type: ignore[arg-type]
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await reader.handle(Note(0.0, 1, -1, 100))
    other.cancel()
    assert turns >= 2 * MEMBERS  # who looks at a page, and what each wants

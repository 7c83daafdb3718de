"""Commands on rooms: what is done before a change is stored."""

import asyncio
import itertools
from typing import Any, cast

import pytest

from chatserver.chat import room_commands
from chatserver.chat.room_commands import NAMES_PER_TURN, RoomCommands, RoomRequest
from chatserver.errors import NotFound
from chatserver.limits import Rate
from chatserver.models import User, name_key
from tests.fakes import FakeClock


class NoUsers:
    """A store of users without users."""

    async def ids(self, _keys: list[str]) -> dict[str, tuple[int, str]]:
        return {}


async def test_many_names_are_compared_in_several_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def key(name: str) -> str:
        compared.append(name)
        return name_key(name)

    monkeypatch.setattr(room_commands, "name_key", key)
    nothing = cast(Any, None)
    rate = Rate(1_000, 1_000, FakeClock())
    commands = RoomCommands(nothing, nothing, nothing, cast(Any, NoUsers()), rate)
    names = [f"bo{number}" for number in range(500)]
    invite = asyncio.create_task(commands.invite(RoomRequest(User(1, "ann", "Ann")), 1, names))
    counts = [0]
    while not invite.done():
        await asyncio.sleep(0)
        counts.append(len(compared))
    with pytest.raises(NotFound):
        await invite
    assert compared == names
    assert max(after - before for before, after in itertools.pairwise(counts)) == (NAMES_PER_TURN)

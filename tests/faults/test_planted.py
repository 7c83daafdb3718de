"""The checker finds every fault that is planted in the real server."""

import asyncio

import pytest

from tests.faults import planted
from tests.faults.checker import Verdict
from tests.faults.conversation import Talk, Users
from tests.faults.server import Plant, Server

KILLS = 3
ATTEMPTS = 3  # on a busy machine, kills may miss the window between publication and commit


@pytest.mark.parametrize(
    ("plant", "finds"),
    [
        (planted.show_before_the_commit, "order"),
        (planted.forget_ids, "duplicated"),
        (planted.lose_half_of_the_events, "never_shown"),
    ],
)
async def test_a_planted_fault_is_detected(users: Users, plant: Plant, finds: str) -> None:
    for _attempt in range(ATTEMPTS):
        verdict = await observe(users, plant)
        if verdict.counts[finds]:
            return
    pytest.fail(str(verdict))


async def observe(users: Users, plant: Plant) -> Verdict:
    """Kill a server with a planted fault during messages, and check what was received."""
    server = Server(users.folder, plant=plant).start()
    try:
        async with Talk(server, users, count=5, patience=2.0) as talk:
            for _ in range(KILLS):
                await talk.answers(20)
                await asyncio.sleep(planted.WINDOW / 2)  # while the next ones are stored
                server.kill()
                await asyncio.to_thread(server.start)
            await talk.answers(50)
    finally:
        server.kill()
    return talk.verdict

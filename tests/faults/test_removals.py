"""Removed members receive no event after their removal, under all faults."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import planted
from tests.faults.conversation import Users, settle_in
from tests.faults.removals import Removals
from tests.faults.report import Sound, whole
from tests.faults.server import Plant, Server
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.needs import require
from tests.rig.redis import PrivateRedis

ROUNDS = whole(45, 4)  # of six removals each
MOST_TRIES = 10
NODE_ROUNDS = whole(42, 1)  # with Redis, and as many without


async def test_removed_members_receive_no_later_event(users: Users, sound: Sound) -> None:
    server = Server(users.folder).start()
    try:
        async with Removals([server.url], users) as removals:
            await removals.rounds(ROUNDS)
    finally:
        server.kill()
    _leaked_nothing(sound, "removed under load, one node", removals)


async def test_gaps_with_removals_leak_nothing(users: Users, sound: Sound) -> None:
    server = Server(users.folder, plant=planted.lose_some_publications).start()
    try:
        async with Removals([server.url], users) as removals:
            await removals.rounds(whole(10, 2))
    finally:
        server.kill()
    _leaked_nothing(sound, "removed while every third commit is not published", removals)


@pytest.mark.parametrize("plant", [planted.send_a_commit_whole, planted.ignore_removals_in_gaps])
async def test_a_planted_leak_is_detected(users: Users, plant: Plant) -> None:
    server = Server(users.folder, plant=plant).start()
    try:
        for _ in range(MOST_TRIES):  # not every removal shares its commit with a later event
            async with Removals([server.url], users) as removals:
                await removals.rounds(8)
            if removals.verdict.leaked:
                break
    finally:
        server.kill()
    assert removals.verdict.leaked


@pytest.fixture
def own_redis() -> Iterator[PrivateRedis]:
    """A Redis of this module, which tests can kill."""
    require("Redis", found=PrivateRedis.found())
    with PrivateRedis() as server:
        yield server


async def test_removed_members_on_another_node_receive_no_later_event(
    tmp_path: Path, mariadb: PrivateMariaDB, own_redis: PrivateRedis, sound: Sound
) -> None:
    url = mariadb.create_database("removals")
    users = await settle_in(tmp_path, url=url)
    environ = {"CHATSERVER_BUS__URL": own_redis.url}
    one = Server(users.folder, url=url, environ=environ, log=tmp_path / "one.log").start()
    other = users.move_to(tmp_path / "two")
    two = Server(other, url=url, environ=environ, log=tmp_path / "two.log").start()
    try:
        async with Removals([one.url, two.url], users) as removals:
            await removals.rounds(NODE_ROUNDS)
            own_redis.kill()
            await removals.rounds(NODE_ROUNDS)
            await asyncio.to_thread(own_redis.start)
    finally:
        two.kill()
        one.kill()
    _leaked_nothing(sound, "removed under load, two nodes, half without Redis", removals)


def _leaked_nothing(sound: Sound, fault: str, removals: Removals) -> None:
    assert removals.verdict.sound, str(removals.verdict)
    sound("G6b", fault, f"{removals.count} removals among {removals.events:,} events, leaked 0")

"""One contract for every bus: to the others, never to oneself, in order, and never waiting."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chatserver.bus import NoPeers
from chatserver.bus.redis import RedisBus
from tests.rig.redis import PrivateRedis


class Ear:
    """What one node hears."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._came = asyncio.Event()

    def __call__(self, payload: bytes) -> None:
        self.heard.append(payload)
        self._came.set()

    async def until(self, *payloads: bytes) -> None:
        """Until exactly this has been heard since the last time."""
        async with asyncio.timeout(10):
            while len(self.heard) < len(payloads):
                self._came.clear()
                await self._came.wait()
        assert self.heard == list(payloads)
        self.heard.clear()


Node = tuple[RedisBus, Ear]


@pytest_asyncio.fixture
async def nodes(redis: PrivateRedis) -> AsyncIterator[list[Node]]:
    started = []
    for _ in range(3):
        bus, ear = RedisBus(redis.url), Ear()
        await bus.start(ear, chat="chat")
        started.append((bus, ear))
    yield started
    for bus, _ in started:
        await bus.close()


async def test_the_others_hear_in_order_and_oneself_does_not(nodes: list[Node]) -> None:
    (one, own), (_, second), (_, third) = nodes
    payloads = [bytes([number]) * 3 for number in range(50)]
    for payload in payloads:
        one.publish(payload)
    await second.until(*payloads)
    await third.until(*payloads)
    assert own.heard == []


async def test_another_chat_on_the_same_redis_hears_nothing(
    redis: PrivateRedis, nodes: list[Node]
) -> None:
    other, ear = RedisBus(redis.url), Ear()
    await other.start(ear, chat="another")
    (one, _), (_, second), _ = nodes
    one.publish(b"among ourselves")
    await second.until(b"among ourselves")
    assert ear.heard == []
    await other.close()


async def test_what_makes_no_sense_deafens_nobody(
    redis: PrivateRedis, caplog: pytest.LogCaptureFixture
) -> None:
    class Choosy(Ear):
        def __call__(self, payload: bytes) -> None:
            if payload == b"nonsense":
                raise ValueError(payload)
            super().__call__(payload)

    one, other, ear = RedisBus(redis.url), RedisBus(redis.url), Choosy()
    await one.start(Ear(), chat="chat")
    await other.start(ear, chat="chat")
    one.publish(b"nonsense")
    one.publish(b"sense")
    await ear.until(b"sense")
    assert "makes no sense" in caplog.text
    await one.close()
    await other.close()


async def test_a_lone_node_tells_nobody() -> None:
    bus, ear = NoPeers(), Ear()
    await bus.start(ear, chat="chat")
    bus.publish(b"hello")
    await bus.close()
    assert ear.heard == []


async def test_what_is_said_while_redis_is_away_may_be_lost_and_later_words_arrive(
    redis: PrivateRedis, nodes: list[Node]
) -> None:
    (one, _), (_, second), _ = nodes
    redis.kill()
    for number in range(2_000):
        one.publish(b"lost, or not" + bytes(number))
    redis.start()
    async with asyncio.timeout(20):
        while b"back" not in second.heard:
            one.publish(b"back")
            await asyncio.sleep(0.1)


async def test_a_node_starts_without_redis_too(redis: PrivateRedis) -> None:
    redis.kill()
    bus = RedisBus(redis.url)
    async with asyncio.timeout(10):
        await bus.start(Ear(), chat="chat")
    await bus.close()
    redis.start()

"""One contract for every bus: to the others, never to oneself, in order, and never waiting."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from chatserver.bus import NoPeers
from chatserver.bus import redis as redis_module
from chatserver.bus.redis import LISTENER, SENDER, RedisBus
from chatserver.supervisor import PREFIX, Supervisor
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
        bus, ear = RedisBus(redis.url, Supervisor()), Ear()
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
    other, ear = RedisBus(redis.url, Supervisor()), Ear()
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

    one, other, ear = RedisBus(redis.url, Supervisor()), RedisBus(redis.url, Supervisor()), Choosy()
    await one.start(Ear(), chat="chat")
    await other.start(ear, chat="chat")
    one.publish(b"nonsense")
    one.publish(b"sense")
    await ear.until(b"sense")
    assert "cannot be processed" in caplog.text
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
    bus = RedisBus(redis.url, Supervisor())
    async with asyncio.timeout(10):
        await bus.start(Ear(), chat="chat")
    await bus.close()
    redis.start()


async def test_a_redis_that_stands_still_is_noticed_and_found_again(
    redis: PrivateRedis, nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a firewall that forgot the connection: nothing is refused, nothing comes."""
    monkeypatch.setattr(redis_module, "PING_INTERVAL", 0.2)
    monkeypatch.setattr(redis_module, "ANSWER_TIMEOUT", 0.2)
    bus, ear = RedisBus(redis.url, Supervisor()), Ear()
    await bus.start(ear, chat="chat")
    (one, _), *_ = nodes
    assert await bus.reachable()
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        monkeypatch.setattr(redis_module, "PING_TIMEOUT", 0.2)
        assert not await bus.reachable()
        async with asyncio.timeout(10):
            while not bus.away:
                await asyncio.sleep(0.05)
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    async with asyncio.timeout(20):
        while b"back" not in ear.heard:
            one.publish(b"back")
            await asyncio.sleep(0.1)
    await bus.close()


async def test_a_bus_task_that_dies_of_what_nobody_expected_is_restarted(
    redis: PrivateRedis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """uvloop raises RuntimeError for a connection that its keepalive has ended."""
    supervisors = Supervisor(), Supervisor()
    (one, ear), (other, _) = [(RedisBus(redis.url, s), Ear()) for s in supervisors]
    broken = RuntimeError("unable to perform operation; the handler is closed")

    async def fail(*_: object, **__: object) -> None:
        raise broken

    with monkeypatch.context() as patch:
        patch.setattr(Redis, "publish", fail)
        patch.setattr(PubSub, "get_message", fail)
        await one.start(ear, chat="chat")
        await other.start(Ear(), chat="chat")
        other.publish(b"lost")
        async with asyncio.timeout(10):
            while not all(s.ended[t] for s, t in zip(supervisors, (LISTENER, SENDER), strict=True)):
                await asyncio.sleep(0.01)
    async with asyncio.timeout(20):
        while b"back" not in ear.heard:
            other.publish(b"back")
            await asyncio.sleep(0.1)
    assert "the handler is closed" in caplog.text
    await one.close()
    await other.close()
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith(PREFIX)]

"""Contract of every bus: delivery to other nodes only, in order, without blocking."""

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
from chatserver.commands import doctor
from chatserver.config import BusSettings, Settings
from chatserver.supervisor import PREFIX, Supervisor
from tests.rig.redis import PrivateRedis


class Receiver:
    """Records the payloads that a node receives."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._came = asyncio.Event()

    def __call__(self, payload: bytes) -> None:
        self.received.append(payload)
        self._came.set()

    async def until(self, *payloads: bytes) -> None:
        """Wait until exactly these payloads were received since the last call."""
        async with asyncio.timeout(10):
            while len(self.received) < len(payloads):
                self._came.clear()
                await self._came.wait()
        assert self.received == list(payloads)
        self.received.clear()


Node = tuple[RedisBus, Receiver]


@pytest_asyncio.fixture
async def nodes(redis: PrivateRedis) -> AsyncIterator[list[Node]]:
    started = []
    for _ in range(3):
        bus, receiver = RedisBus(redis.url, Supervisor()), Receiver()
        await bus.start(receiver, chat="chat")
        started.append((bus, receiver))
    yield started
    for bus, _ in started:
        await bus.close()


async def test_other_nodes_receive_in_order_and_the_sender_does_not(nodes: list[Node]) -> None:
    (one, own), (_, second), (_, third) = nodes
    payloads = [bytes([number]) * 3 for number in range(50)]
    for payload in payloads:
        one.publish(payload)
    await second.until(*payloads)
    await third.until(*payloads)
    assert own.received == []


async def test_another_chat_on_the_same_redis_receives_nothing(
    redis: PrivateRedis, nodes: list[Node]
) -> None:
    other, receiver = RedisBus(redis.url, Supervisor()), Receiver()
    await other.start(receiver, chat="another")
    (one, _), (_, second), _ = nodes
    one.publish(b"among ourselves")
    await second.until(b"among ourselves")
    assert receiver.received == []
    await other.close()


async def test_an_invalid_message_does_not_stop_the_listener(
    redis: PrivateRedis, caplog: pytest.LogCaptureFixture
) -> None:
    class Choosy(Receiver):
        def __call__(self, payload: bytes) -> None:
            if payload == b"nonsense":
                raise ValueError(payload)
            super().__call__(payload)

    one, other, receiver = (
        RedisBus(redis.url, Supervisor()),
        RedisBus(redis.url, Supervisor()),
        Choosy(),
    )
    await one.start(Receiver(), chat="chat")
    await other.start(receiver, chat="chat")
    one.publish(b"nonsense")
    one.publish(b"sense")
    await receiver.until(b"sense")
    assert "cannot be processed" in caplog.text
    await one.close()
    await other.close()


async def test_a_single_node_publishes_to_no_one() -> None:
    bus, receiver = NoPeers(), Receiver()
    await bus.start(receiver, chat="chat")
    bus.publish(b"hello")
    await bus.close()
    assert receiver.received == []


async def test_messages_during_an_outage_of_redis_may_be_lost_and_later_ones_arrive(
    redis: PrivateRedis, nodes: list[Node]
) -> None:
    (one, _), (_, second), _ = nodes
    redis.kill()
    for number in range(2_000):
        one.publish(b"lost, or not" + bytes(number))
    redis.start()
    async with asyncio.timeout(20):
        while b"back" not in second.received:
            one.publish(b"back")
            await asyncio.sleep(0.1)


async def test_a_node_starts_without_redis(redis: PrivateRedis) -> None:
    redis.kill()
    bus = RedisBus(redis.url, Supervisor())
    async with asyncio.timeout(10):
        await bus.start(Receiver(), chat="chat")
    await bus.close()
    redis.start()


async def test_a_frozen_redis_is_noticed_and_reconnected(
    redis: PrivateRedis,
    nodes: list[Node],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Like behind a firewall that drops all packets of the connection."""
    monkeypatch.setattr(redis_module, "PING_INTERVAL", 0.2)
    monkeypatch.setattr(redis_module, "ANSWER_TIMEOUT", 0.2)
    bus, receiver = RedisBus(redis.url, Supervisor()), Receiver()
    await bus.start(receiver, chat="chat")
    (one, _), *_ = nodes
    assert await bus.reachable()
    settings = Settings(bus=BusSettings(url=redis.url))
    assert await doctor._bus(settings) == [(True, "bus: Redis answers")]
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        monkeypatch.setattr(redis_module, "PING_TIMEOUT", 0.2)
        assert not await bus.reachable()
        assert await doctor._bus(settings) == [(None, doctor.NO_BUS)]
        async with asyncio.timeout(10):
            while not bus.unreachable:
                await asyncio.sleep(0.05)
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    async with asyncio.timeout(20):
        while b"back" not in receiver.received:
            one.publish(b"back")
            await asyncio.sleep(0.1)
    assert "redis is reachable again" in caplog.text
    await bus.close()


async def test_a_bus_task_with_an_unexpected_exception_is_restarted(
    redis: PrivateRedis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """uvloop raises RuntimeError for a connection that its keepalive has ended."""
    supervisors = Supervisor(), Supervisor()
    (one, receiver), (other, _) = [(RedisBus(redis.url, s), Receiver()) for s in supervisors]
    broken = RuntimeError("unable to perform operation; the handler is closed")

    async def fail(*_: object, **__: object) -> None:
        raise broken

    with monkeypatch.context() as patch:
        patch.setattr(Redis, "publish", fail)
        patch.setattr(PubSub, "get_message", fail)
        await one.start(receiver, chat="chat")
        await other.start(Receiver(), chat="chat")
        other.publish(b"lost")
        async with asyncio.timeout(10):
            while not all(s.ended[t] for s, t in zip(supervisors, (LISTENER, SENDER), strict=True)):
                await asyncio.sleep(0.01)
    async with asyncio.timeout(20):
        while b"back" not in receiver.received:
            other.publish(b"back")
            await asyncio.sleep(0.1)
    assert "the handler is closed" in caplog.text
    await one.close()
    await other.close()
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith(PREFIX)]

"""Turns: queries of a user run one at a time, in order."""

import asyncio

import pytest

from chatserver.errors import RateLimited
from chatserver.web import turns
from chatserver.web.turns import Turns


async def test_queries_of_one_user_run_in_order_and_one_at_a_time() -> None:
    queue, running, order = Turns(), 0, []

    async def ask(number: int) -> None:
        nonlocal running
        async with queue.turn("ann"):
            running += 1
            assert running == 1
            await asyncio.sleep(0)
            order.append(number)
            running -= 1

    await asyncio.gather(*(ask(number) for number in range(20)))
    assert order == list(range(20))
    assert queue._queues == {}


async def test_other_users_do_not_wait() -> None:
    queue = Turns()
    async with queue.turn("ann"), queue.turn("bo"):
        pass


async def test_a_query_that_waits_too_long_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "QUEUE_TIMEOUT", 0.0)
    queue = Turns()
    async with queue.turn("ann"):
        with pytest.raises(RateLimited):
            async with queue.turn("ann"):
                pass
    async with queue.turn("ann"):
        pass
    assert queue._queues == {}


async def test_a_cancelled_query_leaves_the_queue() -> None:
    queue = Turns()
    async with queue.turn("ann"):
        waiting = asyncio.create_task(queue.turn("ann").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert queue._queues == {}

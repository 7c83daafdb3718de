"""Queues by key: work of one key runs in order, at most so much at a time."""

import asyncio

import pytest

from chatserver.errors import RateLimited
from chatserver.web.keyed_queue import KeyedQueue


async def test_queries_of_one_user_run_in_order_and_one_at_a_time() -> None:
    queue, running, order = KeyedQueue(timeout=8.0), 0, []

    async def ask(number: int) -> None:
        nonlocal running
        async with queue.slot("ann"):
            running += 1
            assert running == 1
            await asyncio.sleep(0)
            order.append(number)
            running -= 1

    await asyncio.gather(*(ask(number) for number in range(20)))
    assert order == list(range(20))
    assert queue._queues == {}


async def test_a_slot_knows_whether_its_holder_has_waited() -> None:
    queue, waited = KeyedQueue(2, timeout=8.0), []

    async def ask() -> None:
        async with queue.slot("ann") as has_waited:
            waited.append(has_waited)
            await asyncio.sleep(0)

    await asyncio.gather(ask(), ask(), ask())
    assert waited == [False, False, True]


async def test_other_users_do_not_wait() -> None:
    queue = KeyedQueue(timeout=8.0)
    async with queue.slot("ann"), queue.slot("bo"):
        pass


async def test_a_query_that_waits_too_long_is_rejected() -> None:
    queue = KeyedQueue(timeout=0.0)
    async with queue.slot("ann"):
        with pytest.raises(RateLimited):
            async with queue.slot("ann"):
                pass
    async with queue.slot("ann"):
        pass
    assert queue._queues == {}


async def test_a_cancelled_query_leaves_the_queue() -> None:
    queue = KeyedQueue(timeout=8.0)
    async with queue.slot("ann"):
        waiting = asyncio.create_task(queue.slot("ann").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert queue._queues == {}


async def test_as_many_as_the_limit_of_a_key_proceed_at_a_time() -> None:
    queue = KeyedQueue(2, timeout=0.0, refusal="Too many of them.")
    async with queue.slot("ann"), queue.slot("ann"):
        with pytest.raises(RateLimited, match="Too many of them"):
            async with queue.slot("ann"):
                pass
    assert queue._queues == {}


async def test_a_caller_above_the_longest_queue_is_rejected_at_once() -> None:
    queue = KeyedQueue(timeout=8.0, longest=2)
    async with queue.slot("ann"):
        waiting = asyncio.create_task(queue.slot("ann").__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(RateLimited):
            async with queue.slot("ann"):
                pass
        waiting.cancel()
        await asyncio.wait([waiting])
    assert queue._queues == {}

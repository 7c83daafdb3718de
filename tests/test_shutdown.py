"""Last steps of a stop: late ones and failed ones are named, and none holds up the rest."""

import asyncio

from chatserver import shutdown
from chatserver.errors import Unavailable
from tests.fakes import SkippingLoop, run_skipping


async def done() -> None:
    """A step with nothing to wait for."""


async def refused() -> None:
    raise Unavailable


async def stuck() -> None:
    await asyncio.Event().wait()


def test_steps_that_fail_or_take_too_long_are_named_and_the_others_are_done() -> None:
    async def story(loop: SkippingLoop) -> None:
        steps = {"a": refused, "b": stuck, "c": stuck, "d": done}
        work = asyncio.ensure_future(shutdown.unfinished(steps))
        await loop.skip(shutdown.FINISH - 0.1)
        assert not work.done()
        await loop.skip(0.2)
        assert await work == ["a", "b", "c"]

    run_skipping(story)


def test_steps_may_be_given_more_time() -> None:
    async def story(loop: SkippingLoop) -> None:
        work = asyncio.ensure_future(shutdown.unfinished({"a": stuck}, shutdown.COMPACT))
        await loop.skip(shutdown.COMPACT - 0.1)
        assert not work.done()
        await loop.skip(0.2)
        assert await work == ["a"]

    run_skipping(story)


def test_a_step_is_left_after_its_time() -> None:
    async def story(loop: SkippingLoop) -> None:
        work = asyncio.ensure_future(shutdown.within(1.0, stuck))
        await loop.skip(0)
        await loop.skip(1.1)
        await work

    run_skipping(story)

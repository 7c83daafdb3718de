"""Last steps of a stop: failures and timeouts are reported, and do not delay other steps."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chatserver import shutdown
from chatserver.errors import Unavailable
from tests.conftest import StartChat
from tests.fakes import SkippingLoop, run_skipping


async def done() -> None:
    """A step that returns immediately."""


async def refused() -> bool:
    raise Unavailable


async def stuck() -> bool:
    await asyncio.Event().wait()
    return True


async def endless() -> bool:
    await asyncio.sleep(1.0)
    return True


def test_steps_that_fail_or_time_out_are_reported_and_others_are_run() -> None:
    async def story(loop: SkippingLoop) -> None:
        steps = {"a": refused, "b": stuck, "c": stuck, "d": done}
        work = asyncio.ensure_future(shutdown.run_steps(steps))
        await loop.skip(shutdown.FINISH_TIMEOUT - 0.1)
        assert not work.done()
        await loop.skip(0.2)
        assert await work == ["a", "b", "c"]

    run_skipping(story)


def test_a_step_is_repeated_within_its_time_limit() -> None:
    async def story(loop: SkippingLoop) -> None:
        left = [40]

        async def step() -> bool:
            await asyncio.sleep(shutdown.COMPACT_STEP_TIMEOUT / 2)
            left[0] -= 1
            return left[0] > 0

        work = asyncio.ensure_future(shutdown.repeat_until_done(step))
        for _ in range(40):
            assert not work.done()
            await loop.skip(shutdown.COMPACT_STEP_TIMEOUT / 2)
        assert (await work, left) == (True, [0])

    run_skipping(story)


@pytest.mark.parametrize(
    ("step", "seconds"), [(stuck, shutdown.COMPACT_STEP_TIMEOUT), (refused, 0.0), (endless, 60.0)]
)
def test_a_repeated_step_ends_with_a_failure_or_a_timeout(
    step: Callable[[], Awaitable[bool]], seconds: float
) -> None:
    async def story(loop: SkippingLoop) -> None:
        work = asyncio.ensure_future(shutdown.repeat_until_done(step))
        for _ in range(round(seconds)):
            assert not work.done()
            await loop.skip(1.0)
        await loop.skip(0.1)
        assert await work is False

    run_skipping(story)


def test_a_step_is_cancelled_after_its_time_limit() -> None:
    async def story(loop: SkippingLoop) -> None:
        work = asyncio.ensure_future(shutdown.within(1.0, stuck))
        await loop.skip(0)
        await loop.skip(1.1)
        await work

    run_skipping(story)


async def test_words_that_a_stop_leaves_in_the_file_are_logged_and_not_a_failure(
    start_chat: StartChat, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds also if an earlier step fails: only that one is reported as unwritten."""

    async def refused() -> bool:
        raise Unavailable

    chat = await start_chat()
    monkeypatch.setattr(chat.server.search_backlog, "compact", refused)
    monkeypatch.setattr(chat.server.last_seen, "flush", refused)
    await chat.stop()
    assert chat.server.unwritten == ["times when users were seen"]
    assert "words of deleted messages" in caplog.text

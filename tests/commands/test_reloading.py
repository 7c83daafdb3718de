"""Signals of a running server."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from chatserver.commands import reloading
from chatserver.commands.reloading import STOP_SIGNALS, handle_stop


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_the_first_signal_stops_gracefully_and_a_later_one_kills(
    number: signal.Signals, handlers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "REPEAT_DELAY", 0)
    stop = asyncio.Event()
    handle_stop(stop)
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)  # as `timeout` does
    await stop.wait()
    while signal.getsignal(number) is not signal.SIG_DFL:
        await asyncio.sleep(0)
    assert {signal.getsignal(one) for one in STOP_SIGNALS} == {signal.SIG_DFL}

"""What a line waits for: nothing, until it sends faster than anybody can mean it."""

import asyncio
from typing import Any

import pytest

from chatserver.connection import Connection
from chatserver.errors import RateLimited
from chatserver.models import User
from chatserver.reads import Reads
from chatserver.web.requests import SIGNALS, Requests
from tests.fakes import FakeClock, RecordingTransport, SkippingLoop, run_skipping

TYPING, READ = '{"type":8,"room":1}', '{"type":9,"room":1,"seq":1}'
HELLO = '{"type":2,"data":"hello","id":"1"}'


class Hurried:
    """A chat to which everything comes too fast."""

    def send_at_once(self, *_: Any) -> bool:
        raise RateLimited(1.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def requests(clock: FakeClock) -> Requests:
    nobody: Any = None
    hurried: Any = Hurried()
    return Requests(
        chat=hurried,
        membership=nobody,
        reads=Reads(nobody, nobody, clock=clock),
        accounts=nobody,
        history=nobody,
        hub=nobody,
        questions=nobody,
        frame_bytes=65_536,
        clock=clock,
    )


def somebody() -> Connection:
    return Connection(
        RecordingTransport(),
        User(1, "ann", "Ann"),
        session_id="s1",
        expires_at=1,
        lifetime=2,
        limit=10_000_000,
        seen=0,
    )


@pytest.mark.parametrize("frame", [TYPING, READ, HELLO], ids=["typing", "read", "too fast"])
def test_a_flood_makes_its_own_line_wait_and_no_other(
    requests: Requests, clock: FakeClock, frame: str
) -> None:
    async def waits(loop: SkippingLoop, connection: Connection) -> bool:
        work = requests.answer(connection, frame)
        if work is None:
            return False
        waiting = asyncio.ensure_future(work)
        await loop.skip(0)
        assert not waiting.done()
        await loop.skip(1)
        return waiting.done()

    async def story(loop: SkippingLoop) -> None:
        per_second, at_once = SIGNALS
        ann, bo = somebody(), somebody()
        assert not any([await waits(loop, ann) for _ in range(at_once - 1)])
        assert any([await waits(loop, ann) for _ in range(2)])
        assert not await waits(loop, bo)
        clock.advance(2 / per_second)
        assert not await waits(loop, ann)

    run_skipping(story)

"""One line: frames in their turn, a backlog with an end, and an end that leaves nothing behind."""

import asyncio
import gc
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import WSMessage, WSMsgType

from chatserver.realtime.connection import CLOSE_TIMEOUT
from chatserver.web.websocket.transport import (
    BACKLOG_LIMIT,
    FRAME_OVERHEAD,
    FRAMES_PER_TURN,
    SocketTransport,
)
from tests.driver import Chat, Person
from tests.fakes import RecordingTransport, SkippingLoop, run_skipping
from tests.hostile.line import CLOSE, HELLO, PING, PONG, frame
from tests.hostile.line import SocketTransport as Client

LIMIT = 1_000


class Transport(RecordingTransport):
    """Counts how often it was told to stop reading, and to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = [True]

    def pause_reading(self) -> None:
        self.reading.append(False)

    def resume_reading(self) -> None:
        self.reading.append(True)


class Listener:
    """Hears frames; those that begin with "wait" take until `done` is set."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.done = asyncio.Event()
        self.on_closed = 0

    def receive(self, message: WSMessage) -> Awaitable[None] | None:
        self.heard.append(message.data)
        waits = message.type is WSMsgType.TEXT and message.data.startswith("wait")
        return self._wait() if waits else None

    async def _wait(self) -> None:
        await self.done.wait()

    def leave(self) -> None:
        self.on_closed += 1


def lined() -> tuple[SocketTransport, Transport, Listener]:
    transport = Transport()
    return SocketTransport(transport, limit=LIMIT), transport, Listener()  # type: ignore[arg-type]


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_frames_are_heard_at_once_and_in_order() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"a") + frame(b"b"))
    assert listener.heard == ["a", "b"]


async def test_what_comes_before_it_is_open_waits() -> None:
    line, _, listener = lined()
    line.data_received(frame(b"early"))
    assert listener.heard == []
    line.open(listener.receive, listener.leave)
    assert listener.heard == ["early"]


async def test_nobody_overtakes_a_frame_that_takes_its_time() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"wait") + frame(b"wait again") + frame(b"late"))
    await settle()
    assert listener.heard == ["wait"]
    listener.done.set()
    await settle()
    assert listener.heard == ["wait", "wait again", "late"]


async def test_who_sends_too_much_meanwhile_must_wait() -> None:
    line, transport, listener = lined()
    line.open(listener.receive, listener.leave)
    long = frame(b"x" * (LIMIT - 1))
    fits = BACKLOG_LIMIT // (LIMIT - 1 + FRAME_OVERHEAD)
    line.data_received(frame(b"wait") + long * fits)
    assert transport.reading == [True]
    line.data_received(long * 2)
    assert transport.reading == [True, False]
    listener.done.set()
    await settle()
    assert transport.reading == [True, False, True]
    assert len(listener.heard) == fits + 3


async def test_control_frames_are_handled_while_a_request_waits() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"wait") + frame(b"later") + frame(b"a", PING) + frame(b"b", PONG))
    assert listener.heard == ["wait", b"a", b"b"]
    line.data_received(frame((1000).to_bytes(2), CLOSE))
    assert listener.heard == ["wait", b"a", b"b", 1000]
    listener.done.set()
    await settle()
    assert listener.heard == ["wait", b"a", b"b", 1000, "later"]


async def test_what_follows_a_close_frame_is_ignored() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"wait") + frame((1000).to_bytes(2), CLOSE) + frame(b"a", PING))
    line.data_received(frame(b"late"))
    listener.done.set()
    await settle()
    assert listener.heard == ["wait", 1000]


async def test_a_flood_of_control_frames_takes_its_turn() -> None:
    line, transport, listener = lined()
    line.open(listener.receive, listener.leave)
    flood = BACKLOG_LIMIT // FRAME_OVERHEAD + 2 * FRAMES_PER_TURN
    line.data_received(frame(b"wait") + frame(b"", PING) * flood)
    assert len(listener.heard) == FRAMES_PER_TURN
    assert transport.reading == [True, False], "and no more of it is read"


async def test_a_control_frame_at_the_end_of_a_turn_does_not_end_the_wait() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"wait") + frame(b"", PING) * FRAMES_PER_TURN + frame(b"later"))
    await settle()
    assert "later" not in listener.heard
    listener.done.set()
    await settle()
    assert listener.heard[-1] == "later"


async def test_no_request_of_a_peer_that_does_not_read_is_performed() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.pause_writing()
    line.data_received(frame(b"a") + frame(b"b", PING) + frame(b"c"))
    assert listener.heard == [b"b"]
    line.resume_writing()
    assert listener.heard == [b"b", "a", "c"]


async def test_what_a_peer_that_did_not_read_had_asked_is_performed_when_it_goes() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.pause_writing()
    line.data_received(frame(b"last words"))
    line.connection_lost(None)
    assert (listener.heard, listener.on_closed) == (["last words"], 1)


async def test_others_have_their_turn_between_the_frames_of_one_line() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"a") * (2 * FRAMES_PER_TURN + 1))
    heard = []
    while len(listener.heard) <= 2 * FRAMES_PER_TURN:
        heard.append(len(listener.heard))
        await asyncio.sleep(0)
    assert heard == [FRAMES_PER_TURN, 2 * FRAMES_PER_TURN]


async def test_a_frame_that_is_none_earns_its_code_and_is_the_last() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"good") + frame(b"x" * LIMIT) + frame(b"behind"))
    assert listener.heard[0] == "good"
    assert len(listener.heard) == 2
    assert line.close_code == 1009


async def test_a_fault_of_ours_ends_this_line_and_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line, transport, listener = lined()

    def fail(_message: WSMessage) -> None:
        raise ValueError("a fault")

    line.open(fail, listener.leave)
    line.data_received(frame(b"a"))
    assert transport.aborted
    assert "handling a frame failed" in caplog.text


async def test_the_peers_close_code_is_known() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame((4000).to_bytes(2) + b"bye", CLOSE))
    assert (listener.heard, line.close_code) == ([4000], 4000)


async def test_it_is_gone_once_and_hears_nothing_more() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"wait"))
    line.connection_lost(None)
    assert listener.on_closed == 1
    listener.done.set()
    await settle()
    assert (listener.heard, listener.on_closed) == (["wait"], 1)


async def test_what_somebody_said_before_going_is_heard() -> None:
    line, _, listener = lined()
    line.open(listener.receive, listener.leave)
    line.data_received(frame(b"wait") + frame(b"last words"))
    line.connection_lost(None)
    assert listener.on_closed == 0
    listener.done.set()
    await settle()
    assert (listener.heard, listener.on_closed) == (["wait", "last words"], 1)


def test_who_is_turned_away_is_closed_when_the_peer_closes_and_cut_off_if_not() -> None:
    async def story(loop: SkippingLoop) -> None:
        on_closed: list[str] = []
        line, transport, _ = lined()
        line.reject(b"bye", lambda: on_closed.append("closed"))
        line.data_received(frame(b"but"))
        assert (transport.written, transport.closed) == (b"bye", False)
        line.data_received(frame((1000).to_bytes(2), CLOSE))
        assert transport.closed
        line.connection_lost(None)
        silent, transport, _ = lined()
        silent.reject(b"bye", lambda: on_closed.append("cut off"))
        await loop.skip(CLOSE_TIMEOUT)
        assert transport.aborted
        silent.connection_lost(None)
        assert on_closed == ["closed", "cut off"]

    run_skipping(story)


async def test_a_frame_behind_the_request_is_heard(chat: Chat, ann: Person) -> None:
    hello = HELLO.format(token=ann.token, host=urlsplit(chat.url).netloc, more="")
    asked = frame(msgspec.json.encode({"type": 7, "id": "tail", "room": 1}))
    async with await Client.to(chat.url) as client:
        await client.send(hello.encode() + asked)
        await client.head_of_answer()
        async with asyncio.timeout(5):
            while b'"tail"' not in (await client.frame())[1]:
                pass


# The first collection is of the garbage of other tests, which may complain.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_socket_leaves_nothing_for_the_collector(chat: Chat, ann: Person) -> None:
    gc.collect()
    gc.disable()
    try:
        device = await ann.connect()
        await device.say("hi")
        assert sum(isinstance(one, SocketTransport) for one in gc.get_objects()) == 1
        await device.close()
        await chat.server.websocket.closed()
        await settle()
        assert not any(isinstance(one, SocketTransport) for one in gc.get_objects())
    finally:
        gc.enable()


@pytest.mark.parametrize("version", ["12", "x"])
async def test_another_version_of_the_protocol_is_a_bad_request(
    chat: Chat, ann: Person, version: str
) -> None:
    hello = HELLO.format(token=ann.token, host=urlsplit(chat.url).netloc, more="")
    async with await Client.to(chat.url) as client:
        await client.send(hello.replace("Version: 13", f"Version: {version}").encode())
        assert (await client.head_of_answer()).startswith(b"HTTP/1.1 400")

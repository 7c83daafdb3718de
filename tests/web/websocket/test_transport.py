"""WebSocket transport: order of commands, backpressure and close."""

import asyncio
import gc
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import WSMessage, WSMsgType

from chatserver.protocol import Type
from chatserver.realtime.connection import CLOSE_TIMEOUT
from chatserver.web.websocket.transport import (
    BACKLOG_LIMIT,
    FRAME_OVERHEAD,
    FRAMES_PER_TURN,
    SocketTransport,
)
from tests.driver import Chat, User
from tests.fakes import RecordingTransport, SkippingLoop, run_skipping
from tests.hostile.raw_connection import CLOSE, HELLO, PING, PONG, frame
from tests.hostile.raw_connection import RawConnection as Client

LIMIT = 1_000


class Transport(RecordingTransport):
    """Records calls of pause_reading and resume_reading."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = [True]

    def pause_reading(self) -> None:
        self.reading.append(False)

    def resume_reading(self) -> None:
        self.reading.append(True)


class FrameRecorder:
    """Records frames; those that begin with "wait" are performed when `done` is set."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.done = asyncio.Event()
        self.on_closed = 0

    def receive(self, message: WSMessage) -> Awaitable[None] | None:
        self.received.append(message.data)
        waits = message.type is WSMsgType.TEXT and message.data.startswith("wait")
        return self._wait() if waits else None

    async def _wait(self) -> None:
        await self.done.wait()

    def leave(self) -> None:
        self.on_closed += 1


def connected() -> tuple[SocketTransport, Transport, FrameRecorder]:
    transport = Transport()
    return SocketTransport(transport, limit=LIMIT), transport, FrameRecorder()  # type: ignore[arg-type]


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_frames_are_performed_immediately_and_in_order() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"a") + frame(b"b"))
    assert recorder.received == ["a", "b"]


async def test_frames_before_the_handler_is_set_are_queued() -> None:
    socket, _, recorder = connected()
    socket.data_received(frame(b"early"))
    assert recorder.received == []
    socket.open(recorder.receive, recorder.leave)
    assert recorder.received == ["early"]


async def test_commands_are_performed_in_order() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"wait") + frame(b"wait again") + frame(b"late"))
    await settle()
    assert recorder.received == ["wait"]
    recorder.done.set()
    await settle()
    assert recorder.received == ["wait", "wait again", "late"]


async def test_reading_is_paused_while_too_many_frames_wait() -> None:
    socket, transport, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    long = frame(b"x" * (LIMIT - 1))
    fits = BACKLOG_LIMIT // (LIMIT - 1 + FRAME_OVERHEAD)
    socket.data_received(frame(b"wait") + long * fits)
    assert transport.reading == [True]
    socket.data_received(long * 2)
    assert transport.reading == [True, False]
    recorder.done.set()
    await settle()
    assert transport.reading == [True, False, True]
    assert len(recorder.received) == fits + 3


async def test_control_frames_are_handled_while_a_command_waits() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"wait") + frame(b"later") + frame(b"a", PING) + frame(b"b", PONG))
    assert recorder.received == ["wait", b"a", b"b"]
    socket.data_received(frame((1000).to_bytes(2), CLOSE))
    assert recorder.received == ["wait", b"a", b"b", 1000]
    recorder.done.set()
    await settle()
    assert recorder.received == ["wait", b"a", b"b", 1000, "later"]


async def test_frames_after_a_close_frame_are_ignored() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"wait") + frame((1000).to_bytes(2), CLOSE) + frame(b"a", PING))
    socket.data_received(frame(b"late"))
    recorder.done.set()
    await settle()
    assert recorder.received == ["wait", 1000]


async def test_a_flood_of_control_frames_is_limited_per_turn() -> None:
    socket, transport, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    flood = BACKLOG_LIMIT // FRAME_OVERHEAD + 2 * FRAMES_PER_TURN
    socket.data_received(frame(b"wait") + frame(b"", PING) * flood)
    assert len(recorder.received) == FRAMES_PER_TURN
    assert transport.reading == [True, False], "and no more of it is read"


async def test_a_control_frame_at_the_end_of_a_turn_does_not_resume_commands() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"wait") + frame(b"", PING) * FRAMES_PER_TURN + frame(b"later"))
    await settle()
    assert "later" not in recorder.received
    recorder.done.set()
    await settle()
    assert recorder.received[-1] == "later"


async def test_no_command_of_a_peer_that_does_not_read_is_performed() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.pause_writing()
    socket.data_received(frame(b"a") + frame(b"b", PING) + frame(b"c"))
    assert recorder.received == [b"b"]
    socket.resume_writing()
    assert recorder.received == [b"b", "a", "c"]


async def test_commands_of_a_peer_that_did_not_read_are_performed_after_its_disconnect() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.pause_writing()
    socket.data_received(frame(b"last words"))
    socket.connection_lost(None)
    assert (recorder.received, recorder.on_closed) == (["last words"], 1)


async def test_the_event_loop_runs_between_frames_of_one_connection() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"a") * (2 * FRAMES_PER_TURN + 1))
    received = []
    while len(recorder.received) <= 2 * FRAMES_PER_TURN:
        received.append(len(recorder.received))
        await asyncio.sleep(0)
    assert received == [FRAMES_PER_TURN, 2 * FRAMES_PER_TURN]


async def test_an_invalid_frame_closes_the_connection_with_its_code() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"good") + frame(b"x" * LIMIT) + frame(b"behind"))
    assert recorder.received[0] == "good"
    assert len(recorder.received) == 2
    assert socket.close_code == 1009


async def test_an_unexpected_exception_aborts_the_connection_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket, transport, recorder = connected()

    def fail(_message: WSMessage) -> None:
        raise ValueError("a fault")

    socket.open(fail, recorder.leave)
    socket.data_received(frame(b"a"))
    assert transport.aborted
    assert "handling a frame failed" in caplog.text


async def test_the_close_code_of_the_peer_is_recorded() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame((4000).to_bytes(2) + b"bye", CLOSE))
    assert (recorder.received, socket.close_code) == ([4000], 4000)


async def test_the_end_is_reported_once_and_no_frame_follows() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"wait"))
    socket.connection_lost(None)
    assert recorder.on_closed == 1
    recorder.done.set()
    await settle()
    assert (recorder.received, recorder.on_closed) == (["wait"], 1)


async def test_frames_before_the_disconnect_are_performed() -> None:
    socket, _, recorder = connected()
    socket.open(recorder.receive, recorder.leave)
    socket.data_received(frame(b"wait") + frame(b"last words"))
    socket.connection_lost(None)
    assert recorder.on_closed == 0
    recorder.done.set()
    await settle()
    assert (recorder.received, recorder.on_closed) == (["wait", "last words"], 1)


def test_a_rejected_connection_is_closed_by_the_peer_or_aborted() -> None:
    async def story(loop: SkippingLoop) -> None:
        on_closed: list[str] = []
        socket, transport, _ = connected()
        socket.reject(b"bye", lambda: on_closed.append("closed"))
        socket.data_received(frame(b"but"))
        assert (transport.written, transport.closed) == (b"bye", False)
        socket.data_received(frame((1000).to_bytes(2), CLOSE))
        assert transport.closed
        socket.connection_lost(None)
        silent, transport, _ = connected()
        silent.reject(b"bye", lambda: on_closed.append("cut off"))
        await loop.skip(CLOSE_TIMEOUT)
        assert transport.aborted
        silent.connection_lost(None)
        assert on_closed == ["closed", "cut off"]

    run_skipping(story)


async def test_a_frame_sent_with_the_upgrade_request_is_performed(chat: Chat, ann: User) -> None:
    hello = HELLO.format(token=ann.token, host=urlsplit(chat.url).netloc, more="")
    asked = frame(msgspec.json.encode({"type": Type.HISTORY, "id": "tail", "room": 1}))
    async with await Client.to(chat.url) as client:
        await client.send(hello.encode() + asked)
        await client.head_of_answer()
        async with asyncio.timeout(5):
            while b'"tail"' not in (await client.frame())[1]:
                pass


# The first collection frees garbage of other tests, which may raise warnings.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_closed_connection_leaves_no_reference_cycles(chat: Chat, ann: User) -> None:
    gc.collect()
    gc.disable()
    try:
        device = await ann.connect()
        await device.say("hi")
        assert sum(isinstance(one, SocketTransport) for one in gc.get_objects()) == 1
        await device.close()
        await chat.server.websocket.wait_closed()
        await settle()
        assert not any(isinstance(one, SocketTransport) for one in gc.get_objects())
    finally:
        gc.enable()


@pytest.mark.parametrize("version", ["12", "x"])
async def test_another_websocket_version_is_a_bad_request(
    chat: Chat, ann: User, version: str
) -> None:
    hello = HELLO.format(token=ann.token, host=urlsplit(chat.url).netloc, more="")
    async with await Client.to(chat.url) as client:
        await client.send(hello.replace("Version: 13", f"Version: {version}").encode())
        assert (await client.head_of_answer()).startswith(b"HTTP/1.1 400")

"""Dispatcher: throttling, order, time limits and error replies of commands."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chatserver.bus import NoPeers
from chatserver.chat.messages import MessageCommands
from chatserver.chat.room_cache import RoomCache
from chatserver.config import FileSettings, LimitSettings
from chatserver.errors import ChatError, RateLimited
from chatserver.models import Draft, User
from chatserver.protocol import Type
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.read_positions import ReadPositions
from chatserver.realtime.typing_notifications import TypingNotifications
from chatserver.text.markup import Renderer
from chatserver.web.language import load_languages
from chatserver.web.rates import READ_RATE, ROOMS_PER_READ, Rates
from chatserver.web.time_limit import TIMEOUT
from chatserver.web.websocket.dispatcher import UNANSWERED_RATE, Dispatcher
from chatserver.web.websocket.queries import Queries
from tests.driver import Chat as RunningChat
from tests.fakes import FakeClock, RecordingTransport, SkippingLoop, run_skipping

TYPING, READ = '{"type":8,"room":1}', '{"type":9,"room":1,"seq":1}'
HELLO = '{"type":2,"data":"hello","id":"1"}'
WRITING = {
    "message": HELLO,
    "message that calls a user": '{"type":2,"data":"@nobody","id":"1"}',
    "direct message": '{"type":3,"data":"hello","to":"bo","id":"1"}',
    "edit": '{"type":10,"id":"1","room":1,"target":1,"data":"x"}',
    "delete": '{"type":11,"id":"1","room":1,"target":1}',
    "reaction": '{"type":12,"id":"1","room":1,"target":1,"emoji":"👍"}',
}
READING = {
    "page": '{"type":7,"id":"1","room":1}',
    "catching up": '{"type":7,"id":"1","rooms":{"1":0}}',
}


class UnresponsiveHistory:
    """History whose queries never return."""

    def __getattr__(self, _name: str) -> Callable[..., Awaitable[None]]:
        return self._hang

    async def _hang(self, *_: Any, **__: Any) -> None:
        await asyncio.Event().wait()


class RateLimitedMessages:
    """Raises RateLimited for every message."""

    def send(self, *_: Any, **_facts: Any) -> None:
        raise RateLimited(1.0)


class FakeJournal:
    """Accepts all drafts, and stores nothing."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []

    def append(self, draft: Draft, _settle: object) -> None:
        self.drafts.append(draft)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def requests(clock: FakeClock) -> Dispatcher:
    return build_dispatcher(clock, messages=RateLimitedMessages())


def build_dispatcher(clock: FakeClock, *, messages: Any, history: Any = None) -> Dispatcher:
    unused: Any = None
    return Dispatcher(
        messages=messages,
        room_commands=unused,
        read_positions=ReadPositions(unused, unused, clock=clock),
        typing=TypingNotifications(unused, clock=clock),
        accounts=unused,
        history=history,
        rooms=unused,
        hub=Hub(NoPeers(), unused, unused, node="here", find_alive=unused, clock=clock),
        rates=Rates(LimitSettings(messages_per_second=1_000, message_burst=1_000), clock),
        languages=load_languages(),
        frame_bytes=65_536,
        clock=clock,
    )


def connected(transport: RecordingTransport | None = None) -> Connection:
    return Connection(
        transport or RecordingTransport(),
        User(1, "ann", "Ann"),
        session_id="s1",
        expires_at=1,
        lifetime=2,
        limit=10_000_000,
        last_received=0,
    )


@pytest.mark.parametrize("frame", [TYPING, READ, HELLO], ids=["typing", "read", "too fast"])
def test_a_flood_throttles_only_its_own_connection(
    requests: Dispatcher, clock: FakeClock, frame: str
) -> None:
    async def waits(loop: SkippingLoop, connection: Connection) -> bool:
        work = requests.handle(connection, frame)
        if work is None:
            return False
        waiting = asyncio.ensure_future(work)
        await loop.skip(0)
        assert not waiting.done()
        await loop.skip(1)
        return waiting.done()

    async def story(loop: SkippingLoop) -> None:
        per_second, at_once = UNANSWERED_RATE
        ann, bo = connected(), connected()
        assert not any([await waits(loop, ann) for _ in range(at_once - 1)])
        assert any([await waits(loop, ann) for _ in range(2)])
        assert not await waits(loop, bo)
        clock.advance(2 / per_second)
        assert not await waits(loop, ann)

    run_skipping(story)


@pytest.mark.parametrize("request_frame", WRITING.values(), ids=WRITING.keys())
def test_commands_that_store_are_queued_immediately(clock: FakeClock, request_frame: str) -> None:
    queue: Any = FakeJournal()
    rooms: Any = None
    chat = MessageCommands(
        queue,
        RoomCache(rooms),
        Renderer(),
        limits=LimitSettings(),
        files=FileSettings(),
        clock=clock.ms,
    )
    assert build_dispatcher(clock, messages=chat).handle(connected(), request_frame) is None
    assert len(queue.drafts) == 1


@pytest.mark.parametrize("request_frame", READING.values(), ids=READING.keys())
def test_a_command_whose_queries_take_too_long_is_answered_unavailable(request_frame: str) -> None:
    async def story(loop: SkippingLoop) -> None:
        line = RecordingTransport()
        requests = build_dispatcher(FakeClock(), messages=None, history=UnresponsiveHistory())
        work = requests.handle(connected(line), request_frame)
        assert work is not None
        waiting = asyncio.ensure_future(work)
        await loop.skip(0)
        await loop.skip(TIMEOUT - 0.1)
        assert not waiting.done()
        await loop.skip(0.2)
        await waiting
        (answer,) = line.messages()
        assert (answer["id"], answer["code"]) == ("1", "unavailable")

    run_skipping(story)


@pytest.mark.parametrize("frame", ["{", "[]", '{"type":99}', '{"type":2}', b"\x00"])
async def test_after_an_invalid_frame_the_next_one_waits_for_another_turn(
    requests: Dispatcher, frame: str | bytes
) -> None:
    transport = RecordingTransport()
    work = requests.handle(connected(transport), frame)
    assert [answer["ok"] for answer in transport.messages()] == [False]
    assert work is not None
    await work


def test_a_request_for_many_rooms_counts_as_several_reads(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queries, "answer", lambda *_: None)
    module = "chatserver.web.websocket.dispatcher"
    monkeypatch.setattr(f"{module}.run_cancellable", lambda *_: None)
    monkeypatch.setattr(f"{module}.time_limit.new_timer", lambda: None)
    dispatcher = build_dispatcher(clock, messages=None)

    def accepted(rooms: int) -> int:
        """Return the number of requests until one is refused."""
        positions = {str(room): 0 for room in range(1, rooms + 1)}
        frame = json.dumps({"type": Type.HISTORY, "id": "1", "rooms": positions})
        transport, count = RecordingTransport(), 0
        connection = connected(transport)
        while dispatcher.handle(connection, frame) is None and not transport.messages():
            count += 1
        return count

    assert accepted(ROOMS_PER_READ - 1) == pytest.approx(READ_RATE[1], abs=1)
    clock.advance(READ_RATE[1])
    assert accepted(30 * ROOMS_PER_READ) == pytest.approx(READ_RATE[1] / 31, abs=1)


def refusals() -> list[ChatError]:
    """Return an instance of every error."""
    kinds, found = [ChatError], []
    while kinds:
        kind = kinds.pop()
        kinds.extend(kind.__subclasses__())
        error = kind.__new__(kind)
        ChatError.__init__(error, kind.text)
        vars(error).update(retry_after=2.0, epoch="e")
        found.append(error)
    return found


@pytest.mark.parametrize("error", refusals(), ids=lambda error: type(error).__name__)
def test_an_error_is_in_the_language_of_its_connection(clock: FakeClock, error: ChatError) -> None:
    class Refusing:
        def send(self, *_: object, **_facts: object) -> None:
            raise error

    requests = build_dispatcher(clock, messages=Refusing())
    english, chinese = RecordingTransport(), RecordingTransport()
    for transport, locale in ((english, "en"), (chinese, "zh_CN")):
        connection = connected(transport)
        connection.locale = locale
        requests.handle(connection, HELLO)
        answered = transport.written.decode(errors="replace")
        assert f'"code":"{error.code}"' in answered
        assert (error.sentence in answered) == (locale == "en")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "There is no such message."),
        ({"headers": {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}}, "没有这条消息。"),
        ({"params": {"lang": "zh_CN"}, "headers": {"Accept-Language": "en"}}, "没有这条消息。"),
        ({"params": {"lang": "xx"}}, "There is no such message."),
    ],
    ids=["a bot", "a browser", "a page", "an unknown language"],
)
async def test_a_connection_has_the_language_of_its_request(
    chat: RunningChat, options: dict[str, Any], sentence: str
) -> None:
    device = await (await chat.user("ann")).connect(**options)
    edit = {"type": Type.EDIT, "id": "e", "room": 1, "target": 1_000_000, "data": "x"}
    await device.send(edit)
    reply = await device.reply("e")
    assert (reply["code"], reply["data"]) == ("not_found", sentence)

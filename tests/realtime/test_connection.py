"""Connection: backlog limits, close frames and held frames."""

import pytest

from chatserver.errors import CloseCode
from chatserver.models import User
from chatserver.protocol.framing import text_frame
from chatserver.realtime.connection import CLOSE_TIMEOUT, NORMAL, Connection
from tests.fakes import CLOSE, TEXT, RecordingTransport, SkippingLoop, run_skipping

LIMIT = 1_000
HELLO = text_frame(b"hello")


def connection(transport: RecordingTransport, *, seen: float = 0.0) -> Connection:
    return Connection(
        transport,
        User(1, "ann", "Ann"),
        session_id="s1",
        expires_at=1,
        lifetime=2,
        limit=LIMIT,
        last_received=seen,
    )


@pytest.fixture
def transport() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def stalled() -> RecordingTransport:
    """The transport of a peer that reads nothing."""
    return RecordingTransport(reads=False)


def test_frames_are_written_unchanged(transport: RecordingTransport) -> None:
    assert connection(transport).write(HELLO + HELLO)
    assert transport.frames() == [(TEXT, b"hello"), (TEXT, b"hello")]


def test_a_reader_can_fall_behind_up_to_the_limit(stalled: RecordingTransport) -> None:
    ann = connection(stalled)
    assert ann.write(b"x" * LIMIT)
    assert ann.write(b"y")
    assert not ann.write(b"z")
    assert stalled.written == b"x" * LIMIT + b"y"


def test_one_large_reply_can_exceed_the_limit(stalled: RecordingTransport) -> None:
    assert connection(stalled).write(b"x" * 10 * LIMIT)


def test_a_fast_reader_has_no_limit(transport: RecordingTransport) -> None:
    ann = connection(transport)
    assert all(ann.write(b"x" * LIMIT) for _ in range(100))


def test_replies_do_not_count_for_the_limit(stalled: RecordingTransport) -> None:
    ann = connection(stalled)
    for _ in range(5):
        ann.reply(b"x" * LIMIT)
    assert ann.write(b"y" * LIMIT)
    assert ann.write(b"z")
    assert not ann.write(HELLO)


def test_replies_that_were_read_leave_no_credit(stalled: RecordingTransport) -> None:
    ann = connection(stalled)
    for _ in range(100):
        ann.reply(b"x" * LIMIT)
        stalled.read_all()
    ann.reply(b"x")
    assert ann.write(b"y" * (LIMIT + 1))
    assert not ann.write(HELLO)


@pytest.mark.parametrize(
    ("is_read", "reads", "excused"),
    [(True, True, False), (False, True, True), (False, False, False)],
)
def test_silence_is_excused_only_if_the_server_does_not_read_from_the_peer(
    *, is_read: bool, reads: bool, excused: bool
) -> None:
    transport = RecordingTransport(reads=reads)
    ann = connection(transport)
    ann.reply(HELLO)
    transport.is_read = is_read
    assert ann.is_read_paused is excused


async def test_nothing_is_written_after_hanging_up(transport: RecordingTransport) -> None:
    ann = connection(transport)
    ann.write(HELLO)
    ann.hang_up(CloseCode.RESTARTING, "the server restarts")
    assert ann.write(HELLO)
    ann.reply(HELLO)
    ann.hang_up(CloseCode.ABUSE, "once more")
    assert [kind for kind, _ in transport.frames()] == [TEXT, CLOSE]
    assert transport.close_code() == CloseCode.RESTARTING


async def test_nothing_is_written_to_a_closed_transport(transport: RecordingTransport) -> None:
    ann = connection(transport)
    transport.close()
    assert ann.write(HELLO)
    ann.hang_up(CloseCode.SILENT, "silent")
    assert transport.written == b""


def test_a_peer_that_does_not_answer_a_close_frame_is_aborted(
    transport: RecordingTransport,
) -> None:
    async def story(loop: SkippingLoop) -> None:
        connection(transport).hang_up(CloseCode.TOO_SLOW, "too slow")
        await loop.skip(CLOSE_TIMEOUT - 0.1)
        assert not transport.aborted
        await loop.skip(0.2)
        assert transport.aborted

    run_skipping(story)


async def test_a_peer_that_answers_a_close_frame_gets_no_second_one(
    transport: RecordingTransport,
) -> None:
    ann = connection(transport)
    ann.hang_up(CloseCode.RESTARTING, "the server restarts")
    states = [transport.closed]
    ann.finish()
    states.append(transport.closed)
    assert states == [False, True]
    assert transport.close_code() == CloseCode.RESTARTING


async def test_a_close_frame_of_the_peer_is_answered_and_nothing_follows(
    transport: RecordingTransport,
) -> None:
    ann = connection(transport)
    ann.finish()
    assert transport.close_code() == NORMAL
    assert transport.closed
    assert ann.closing
    ann.hang_up(CloseCode.SILENT, "silent")
    assert ann.write(HELLO)
    assert transport.close_code() == NORMAL


async def test_a_close_frame_is_not_answered_on_a_closed_transport(
    transport: RecordingTransport,
) -> None:
    ann = connection(transport)
    transport.close()
    ann.finish()
    assert transport.written == b""
    assert ann.closing


def test_a_peer_that_closes_and_does_not_read_is_aborted(stalled: RecordingTransport) -> None:
    async def story(loop: SkippingLoop) -> None:
        ann = connection(stalled)
        ann.write(HELLO)
        ann.finish()
        await loop.skip(CLOSE_TIMEOUT - 0.1)
        assert not stalled.aborted
        await loop.skip(0.2)
        assert stalled.aborted

    run_skipping(story)


def test_a_newer_session_replaces_the_one_that_opened_the_connection(
    transport: RecordingTransport,
) -> None:
    ann = connection(transport)
    ann.use_session("s2", 20, 30)
    assert (ann.session_id, ann.expires_at, ann.lifetime) == ("s2", 20, 30)


def test_deferred_frames_are_written_first_and_in_the_same_write(
    transport: RecordingTransport,
) -> None:
    ann = connection(transport)
    writes: list[bytes] = []
    transport.write = writes.append  # type: ignore[assignment, method-assign]
    ann.defer(HELLO)
    ann.defer(HELLO)
    assert writes == []
    ann.write(text_frame(b"event"))
    assert writes == [HELLO + HELLO + text_frame(b"event")]
    ann.flush()
    assert len(writes) == 1


def test_deferred_frames_are_written_by_a_flush(transport: RecordingTransport) -> None:
    ann = connection(transport)
    ann.defer(HELLO)
    ann.flush()
    assert transport.frames() == [(TEXT, b"hello")]


async def test_deferred_frames_are_written_before_the_close_frame() -> None:
    one, other = RecordingTransport(), RecordingTransport()
    hung_up, finished = connection(one), connection(other)
    for ann in (hung_up, finished):
        ann.defer(HELLO)
    hung_up.hang_up(CloseCode.RESTARTING, "")
    finished.finish()
    for transport in (one, other):
        assert [kind for kind, _ in transport.frames()] == [TEXT, CLOSE]

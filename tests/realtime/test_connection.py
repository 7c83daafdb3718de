"""One socket: nothing waits for a slow reader, and nothing follows a close frame."""

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
def line() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def stalled() -> RecordingTransport:
    """A peer that reads nothing."""
    return RecordingTransport(reads=False)


def test_frames_are_written_as_they_are(line: RecordingTransport) -> None:
    assert connection(line).write(HELLO + HELLO)
    assert line.frames() == [(TEXT, b"hello"), (TEXT, b"hello")]


def test_a_reader_may_fall_behind_up_to_the_limit(stalled: RecordingTransport) -> None:
    ann = connection(stalled)
    assert ann.write(b"x" * LIMIT)
    assert ann.write(b"y")
    assert not ann.write(b"z")
    assert stalled.written == b"x" * LIMIT + b"y"


def test_one_large_answer_may_be_longer_than_the_limit(stalled: RecordingTransport) -> None:
    assert connection(stalled).write(b"x" * 10 * LIMIT)


def test_a_reader_that_keeps_up_may_read_any_amount(line: RecordingTransport) -> None:
    ann = connection(line)
    assert all(ann.write(b"x" * LIMIT) for _ in range(100))


async def test_who_falls_too_far_behind_is_hung_up(stalled: RecordingTransport) -> None:
    ann = connection(stalled)
    ann.send(text_frame(b"x" * LIMIT))
    assert stalled.close_code() is None
    ann.send(HELLO)
    assert ann.closing
    assert [kind for kind, _ in stalled.frames()] == [TEXT, CLOSE]
    assert stalled.close_code() == CloseCode.TOO_SLOW


def test_replies_do_not_count_as_waiting(stalled: RecordingTransport) -> None:
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
def test_silence_is_excused_of_a_peer_that_reads_and_that_the_server_does_not_read_from(
    *, is_read: bool, reads: bool, excused: bool
) -> None:
    transport = RecordingTransport(reads=reads)
    ann = connection(transport)
    ann.reply(HELLO)
    transport.is_read = is_read
    assert ann.is_read_paused is excused


async def test_nothing_is_written_after_hanging_up(line: RecordingTransport) -> None:
    ann = connection(line)
    ann.write(HELLO)
    ann.hang_up(CloseCode.RESTARTING, "the server restarts")
    assert ann.write(HELLO)
    ann.send(HELLO)
    ann.reply(HELLO)
    ann.hang_up(CloseCode.ABUSE, "once more")
    assert [kind for kind, _ in line.frames()] == [TEXT, CLOSE]
    assert line.close_code() == CloseCode.RESTARTING


async def test_nothing_is_written_to_a_line_that_is_gone(line: RecordingTransport) -> None:
    ann = connection(line)
    line.close()
    assert ann.write(HELLO)
    ann.hang_up(CloseCode.SILENT, "silent")
    assert line.written == b""


def test_a_peer_that_does_not_answer_is_cut_off_soon(line: RecordingTransport) -> None:
    async def story(loop: SkippingLoop) -> None:
        connection(line).hang_up(CloseCode.TOO_SLOW, "too slow")
        await loop.skip(CLOSE_TIMEOUT - 0.1)
        assert not line.aborted
        await loop.skip(0.2)
        assert line.aborted

    run_skipping(story)


async def test_a_peer_that_answers_our_close_frame_gets_no_second_one(
    line: RecordingTransport,
) -> None:
    ann = connection(line)
    ann.hang_up(CloseCode.RESTARTING, "the server restarts")
    states = [line.closed]
    ann.finish()
    states.append(line.closed)
    assert states == [False, True]
    assert line.close_code() == CloseCode.RESTARTING


async def test_a_peer_that_closes_is_answered_and_hears_nothing_more(
    line: RecordingTransport,
) -> None:
    ann = connection(line)
    ann.finish()
    assert line.close_code() == NORMAL
    assert line.closed
    assert ann.closing
    ann.hang_up(CloseCode.SILENT, "silent")
    assert ann.write(HELLO)
    assert line.close_code() == NORMAL


async def test_nothing_is_answered_on_a_line_that_is_gone(line: RecordingTransport) -> None:
    ann = connection(line)
    line.close()
    ann.finish()
    assert line.written == b""
    assert ann.closing


def test_a_peer_that_closes_and_reads_nothing_is_cut_off_soon(stalled: RecordingTransport) -> None:
    async def story(loop: SkippingLoop) -> None:
        ann = connection(stalled)
        ann.write(HELLO)
        ann.finish()
        await loop.skip(CLOSE_TIMEOUT - 0.1)
        assert not stalled.aborted
        await loop.skip(0.2)
        assert stalled.aborted

    run_skipping(story)


def test_a_newer_session_replaces_the_one_that_opened_the_socket(line: RecordingTransport) -> None:
    ann = connection(line)
    ann.use_session("s2", 20, 30)
    assert (ann.session_id, ann.expires_at, ann.lifetime) == ("s2", 20, 30)


def test_what_is_held_goes_out_first_and_in_the_same_write(line: RecordingTransport) -> None:
    ann = connection(line)
    writes: list[bytes] = []
    line.write = writes.append  # type: ignore[assignment, method-assign]
    ann.hold(HELLO)
    ann.hold(HELLO)
    assert writes == []
    ann.write(text_frame(b"event"))
    assert writes == [HELLO + HELLO + text_frame(b"event")]
    ann.flush()
    assert len(writes) == 1


def test_what_is_held_goes_out_when_it_is_flushed(line: RecordingTransport) -> None:
    ann = connection(line)
    ann.hold(HELLO)
    ann.flush()
    assert line.frames() == [(TEXT, b"hello")]


async def test_what_is_held_goes_out_before_the_close() -> None:
    one, other = RecordingTransport(), RecordingTransport()
    hung_up, finished = connection(one), connection(other)
    for ann in (hung_up, finished):
        ann.hold(HELLO)
    hung_up.hang_up(CloseCode.RESTARTING, "")
    finished.finish()
    for transport in (one, other):
        assert [kind for kind, _ in transport.frames()] == [TEXT, CLOSE]

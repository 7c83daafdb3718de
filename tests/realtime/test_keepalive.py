"""Keepalive: heartbeats, silent peers and the end of sessions."""

from collections.abc import AsyncIterator, Collection, Sequence

import pytest
import pytest_asyncio

from chatserver.bus import NoPeers
from chatserver.errors import CloseCode
from chatserver.models import RoomState, User
from chatserver.protocol import Type
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.keepalive import PING_INTERVAL, SILENCE_TIMEOUT, Keepalive
from chatserver.realtime.room_feed import Missed
from tests.fakes import CLOSE, PING, TEXT, FakeClock, RecordingTransport, SkippingLoop, run_skipping

DAY = 86_400


async def no_holes(_room: int, _after: int, _known: int) -> Missed:
    raise AssertionError("nothing was said, so nothing is missing")


async def no_rooms(_users: Sequence[int], _room: int) -> dict[int, RoomState]:
    raise AssertionError("nobody joined anything")


async def find_none(_sessions: Collection[str]) -> set[str]:
    raise AssertionError("there is no other node")


class KeepaliveHarness:
    """A hub with keepalive, and a fake clock for both."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.hub = Hub(
            NoPeers(), no_holes, no_rooms, node="here", find_alive=find_none, clock=self.clock
        )
        self.keepalive = Keepalive(self.hub, clock=self.clock, now=self.clock.ms)

    def connect(
        self, name: str = "ann", *, session: int = DAY, reads: bool = True
    ) -> tuple[Connection, RecordingTransport]:
        """Attach a connection whose session is valid for so many seconds."""
        line = RecordingTransport(reads=reads)
        connection = Connection(
            line,
            User(sum(name.encode()), name, name.capitalize()),
            session_id=f"session of {name}",
            expires_at=self.clock.ms() + session * 1000,
            lifetime=session,
            limit=10,
            last_received=self.clock(),
        )
        self.hub.attach(connection, {})
        return connection, line

    def later(self, seconds: float, *answering: Connection) -> None:
        """Check every second for so long; the peers of `answering` answer each time."""
        for _ in range(round(seconds * 2)):
            self.clock.advance(0.5)
            for connection in answering:
                connection.last_received = self.clock()
            self.keepalive.check_all()


@pytest_asyncio.fixture
async def harness() -> AsyncIterator[KeepaliveHarness]:
    made = KeepaliveHarness()
    yield made
    made.hub.hang_up_all(CloseCode.RESTARTING, "the test is over")
    made.hub.close()


async def test_a_heartbeat_is_sent_every_25_seconds(harness: KeepaliveHarness) -> None:
    connection, line = harness.connect()
    harness.later(24.5, connection)
    assert line.frames() == []
    harness.later(0.5, connection)
    assert [kind for kind, _ in line.frames()] == [PING, TEXT]
    harness.later(24.5, connection)
    assert len(line.frames()) == 2
    harness.later(0.5 + 75, connection)
    assert len(line.frames()) == 2 * 5


async def test_a_heartbeat_is_a_ping_and_a_frame_visible_to_javascript(
    harness: KeepaliveHarness,
) -> None:
    connection, line = harness.connect()
    harness.later(PING_INTERVAL, connection)
    assert line.frames()[0] == (PING, b"")
    assert line.messages() == [{"type": Type.HEARTBEAT}]


async def test_a_peer_silent_for_one_and_a_half_heartbeats_is_closed(
    harness: KeepaliveHarness,
) -> None:
    connection, line = harness.connect()
    harness.later(SILENCE_TIMEOUT)
    assert SILENCE_TIMEOUT == 37.5
    assert not connection.closing
    harness.later(0.5)
    assert line.close_code() == CloseCode.SILENT
    assert harness.hub.connections == []
    assert harness.hub.presence.state.online() == []


async def test_a_peer_that_answers_stays_connected(harness: KeepaliveHarness) -> None:
    connection, line = harness.connect()
    harness.later(10 * SILENCE_TIMEOUT, connection)
    assert not connection.closing
    assert CLOSE not in [kind for kind, _ in line.frames()]


async def test_any_frame_restarts_the_silence_timeout(harness: KeepaliveHarness) -> None:
    connection, _ = harness.connect()
    harness.later(SILENCE_TIMEOUT - 1)
    connection.last_received = harness.clock()
    harness.later(SILENCE_TIMEOUT)
    assert not connection.closing


async def test_a_silent_connection_does_not_close_others(harness: KeepaliveHarness) -> None:
    silent, _ = harness.connect("ann")
    talking, line = harness.connect("bo")
    harness.later(SILENCE_TIMEOUT + 1, talking)
    assert silent.closing
    assert not talking.closing
    assert harness.hub.connections == [talking]
    assert line.close_code() is None


async def test_an_expired_session_closes_its_connection(harness: KeepaliveHarness) -> None:
    connection, line = harness.connect(session=10)
    harness.later(9.5, connection)
    assert line.frames() == []
    harness.later(0.5, connection)
    assert [kind for kind, _ in line.frames()] == [TEXT, CLOSE]
    assert line.messages()[0]["type"] == Type.ERROR
    assert line.messages()[0]["code"]
    assert line.close_code() == 4101
    assert harness.hub.connections == []


async def test_a_renewed_session_stays_connected(harness: KeepaliveHarness) -> None:
    connection, line = harness.connect(session=10)
    harness.later(5, connection)
    connection.expires_at += 10_000
    harness.later(14.5, connection)
    assert not connection.closing
    harness.later(0.5, connection)
    assert line.close_code() == CloseCode.SESSION_INVALID


@pytest.mark.parametrize("jump", [-365 * DAY, 365 * DAY])
async def test_a_jump_of_the_wall_clock_does_not_change_the_end_of_a_session(
    harness: KeepaliveHarness, jump: int
) -> None:
    connection, line = harness.connect(session=10)
    harness.later(1, connection)
    wrong = [jump]
    harness.keepalive._now = lambda: harness.clock.ms() + wrong[0] * 1000
    harness.later(4, connection)
    assert not connection.closing
    wrong[0] = 0
    harness.later(4.5, connection)
    assert not connection.closing
    harness.later(0.5, connection)
    assert line.close_code() == CloseCode.SESSION_INVALID


@pytest.mark.parametrize("jump", [-3_600, 3_600])
async def test_a_jump_of_the_wall_clock_makes_no_peer_silent(
    harness: KeepaliveHarness, jump: int
) -> None:
    connection, _ = harness.connect()
    harness.keepalive = Keepalive(
        harness.hub, clock=harness.clock, now=lambda: harness.clock.ms() + jump * 1000
    )
    harness.later(SILENCE_TIMEOUT - 1)
    assert not connection.closing


async def test_a_peer_that_does_not_read_the_heartbeat_is_too_slow(
    harness: KeepaliveHarness,
) -> None:
    connection, line = harness.connect(reads=False)
    connection.write(b"\x81\x09 earlier.")  # eleven bytes: one more than may wait
    harness.later(PING_INTERVAL, connection)
    assert line.close_code() == CloseCode.TOO_SLOW


async def test_a_peer_that_the_server_does_not_read_from_is_not_silent(
    harness: KeepaliveHarness,
) -> None:
    _, line = harness.connect()
    line.is_read = False
    harness.later(SILENCE_TIMEOUT + 1)
    assert line.close_code() is None
    line.is_read = True
    harness.later(1)
    assert line.close_code() == CloseCode.SILENT


def test_the_delay_of_the_event_loop_is_recorded() -> None:
    async def story(loop: SkippingLoop) -> None:
        harness = KeepaliveHarness()
        running = loop.create_task(harness.keepalive.run())
        await loop.skip(0)
        await loop.skip(1.6)  # the check was due after 1.0
        late = dict(harness.keepalive.lag.cumulative_buckets())
        assert (late["0.5"], late["1.0"], late["+Inf"]) == (0, 1, 1)
        running.cancel()
        harness.hub.close()

    run_skipping(story)


def test_every_connection_is_checked_once_a_second() -> None:
    async def story(loop: SkippingLoop) -> None:
        harness = KeepaliveHarness()
        _, line = harness.connect(session=2)
        running = loop.create_task(harness.keepalive.run())
        await loop.skip(1.1)
        assert line.close_code() is None
        harness.clock.advance(2)
        await loop.skip(0.8)
        assert line.close_code() is None
        await loop.skip(0.3)
        assert line.close_code() == CloseCode.SESSION_INVALID
        running.cancel()
        harness.hub.close()

    run_skipping(story)


def test_a_failed_check_is_logged_and_the_next_one_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(loop: SkippingLoop) -> None:
        harness = KeepaliveHarness()
        seen = []

        def clock() -> float:
            seen.append(loop.time())
            raise ZeroDivisionError

        keepalive = Keepalive(harness.hub, clock=clock, now=harness.clock.ms)
        running = loop.create_task(keepalive.run())
        for _ in range(3):
            assert len(seen) < 2
            await loop.skip(1.1)
        assert len(seen) == 2
        running.cancel()
        harness.hub.close()

    run_skipping(story)
    assert [record.message for record in caplog.records] == ["checking the connections failed"] * 2

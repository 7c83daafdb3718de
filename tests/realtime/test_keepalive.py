"""Lines are kept alive, dead ones found, and sessions end while their sockets are open."""

from collections.abc import AsyncIterator, Collection, Sequence

import pytest
import pytest_asyncio

from chatserver.bus import NoPeers
from chatserver.errors import CloseCode
from chatserver.models import RoomState, User
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.keepalive import PING_INTERVAL, SILENCE_TIMEOUT, Keepalive
from chatserver.realtime.subscriptions import Missed
from tests.fakes import CLOSE, PING, TEXT, FakeClock, RecordingTransport, SkippingLoop, run_skipping

DAY = 86_400


async def no_holes(_room: int, _after: int) -> Missed:
    raise AssertionError("nothing was said, so nothing is missing")


async def no_rooms(_users: Sequence[int], _room: int) -> dict[int, RoomState]:
    raise AssertionError("nobody joined anything")


async def find_none(_sessions: Collection[str]) -> set[str]:
    raise AssertionError("there is no other node")


class House:
    """A hub with a pulse, and a clock for both."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.hub = Hub(
            NoPeers(), no_holes, no_rooms, node="here", find_alive=find_none, clock=self.clock
        )
        self.pulse = Keepalive(self.hub, clock=self.clock, now=self.clock.ms)

    def connect(
        self, name: str = "ann", *, session: int = DAY, reads: bool = True
    ) -> tuple[Connection, RecordingTransport]:
        """A socket of somebody whose session lives so many seconds."""
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

    def later(self, seconds: float, *heard: Connection) -> None:
        """Time goes on, in looks a second apart; the peers of `heard` answer all the while."""
        for _ in range(round(seconds * 2)):
            self.clock.advance(0.5)
            for connection in heard:
                connection.last_received = self.clock()
            self.pulse.check_all()


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    made.hub.hang_up_all(CloseCode.RESTARTING, "the test is over")
    made.hub.close()


async def test_a_heartbeat_comes_every_25_seconds(house: House) -> None:
    connection, line = house.connect()
    house.later(24.5, connection)
    assert line.frames() == []
    house.later(0.5, connection)
    assert [kind for kind, _ in line.frames()] == [PING, TEXT]
    house.later(24.5, connection)
    assert len(line.frames()) == 2
    house.later(0.5 + 75, connection)
    assert len(line.frames()) == 2 * 5


async def test_a_heartbeat_is_a_ping_and_a_frame_that_a_browser_sees(house: House) -> None:
    connection, line = house.connect()
    house.later(PING_INTERVAL, connection)
    assert line.frames()[0] == (PING, b"")
    assert line.messages() == [{"type": 15}]


async def test_who_is_silent_for_one_and_a_half_heartbeats_is_closed(house: House) -> None:
    connection, line = house.connect()
    house.later(SILENCE_TIMEOUT)
    assert SILENCE_TIMEOUT == 37.5
    assert not connection.closing
    house.later(0.5)
    assert line.close_code() == CloseCode.SILENT
    assert house.hub.connections == []
    assert house.hub.presence.online() == []


async def test_who_answers_stays(house: House) -> None:
    connection, line = house.connect()
    house.later(10 * SILENCE_TIMEOUT, connection)
    assert not connection.closing
    assert CLOSE not in [kind for kind, _ in line.frames()]


async def test_one_word_is_enough_for_another_while(house: House) -> None:
    connection, _ = house.connect()
    house.later(SILENCE_TIMEOUT - 1)
    connection.last_received = house.clock()
    house.later(SILENCE_TIMEOUT)
    assert not connection.closing


async def test_a_silent_socket_takes_no_other_one_along(house: House) -> None:
    silent, _ = house.connect("ann")
    talking, line = house.connect("bo")
    house.later(SILENCE_TIMEOUT + 1, talking)
    assert silent.closing
    assert not talking.closing
    assert house.hub.connections == [talking]
    assert line.close_code() is None


async def test_a_session_that_runs_out_ends_its_open_socket(house: House) -> None:
    connection, line = house.connect(session=10)
    house.later(9.5, connection)
    assert line.frames() == []
    house.later(0.5, connection)
    assert [kind for kind, _ in line.frames()] == [TEXT, CLOSE]
    assert line.messages()[0]["type"] == 0
    assert line.messages()[0]["code"]
    assert line.close_code() == 4101
    assert house.hub.connections == []


async def test_a_session_that_was_prolonged_goes_on(house: House) -> None:
    connection, line = house.connect(session=10)
    house.later(5, connection)
    connection.expires_at += 10_000
    house.later(14.5, connection)
    assert not connection.closing
    house.later(0.5, connection)
    assert line.close_code() == CloseCode.SESSION_INVALID


@pytest.mark.parametrize("jump", [-365 * DAY, 365 * DAY])
async def test_a_wall_clock_that_jumps_neither_ends_nor_prolongs_a_session(
    house: House, jump: int
) -> None:
    connection, line = house.connect(session=10)
    house.later(1, connection)
    wrong = [jump]
    house.pulse._now = lambda: house.clock.ms() + wrong[0] * 1000
    house.later(4, connection)
    assert not connection.closing
    wrong[0] = 0
    house.later(4.5, connection)
    assert not connection.closing
    house.later(0.5, connection)
    assert line.close_code() == CloseCode.SESSION_INVALID


@pytest.mark.parametrize("jump", [-3_600, 3_600])
async def test_a_wall_clock_that_jumps_makes_nobody_silent(house: House, jump: int) -> None:
    connection, _ = house.connect()
    house.pulse = Keepalive(
        house.hub, clock=house.clock, now=lambda: house.clock.ms() + jump * 1000
    )
    house.later(SILENCE_TIMEOUT - 1)
    assert not connection.closing


async def test_who_does_not_even_read_the_heartbeat_is_too_slow(house: House) -> None:
    connection, line = house.connect(reads=False)
    connection.write(b"\x81\x09 earlier.")  # eleven bytes: one more than may wait
    house.later(PING_INTERVAL, connection)
    assert line.close_code() == CloseCode.TOO_SLOW


async def test_a_peer_that_the_server_does_not_read_from_is_not_silent(house: House) -> None:
    _, line = house.connect()
    line.is_read = False
    house.later(SILENCE_TIMEOUT + 1)
    assert line.close_code() is None
    line.is_read = True
    house.later(1)
    assert line.close_code() == CloseCode.SILENT


def test_how_late_the_event_loop_was_is_kept() -> None:
    async def story(loop: SkippingLoop) -> None:
        house = House()
        looking = loop.create_task(house.pulse.run())
        await loop.skip(0)
        await loop.skip(1.6)  # the look was due after 1.0
        late = dict(house.pulse.lag.up_to())
        assert (late["0.5"], late["1.0"], late["+Inf"]) == (0, 1, 1)
        looking.cancel()
        house.hub.close()

    run_skipping(story)


def test_everybody_is_looked_at_once_a_second() -> None:
    async def story(loop: SkippingLoop) -> None:
        house = House()
        _, line = house.connect(session=2)
        looking = loop.create_task(house.pulse.run())
        await loop.skip(1.1)
        assert line.close_code() is None
        house.clock.advance(2)
        await loop.skip(0.8)
        assert line.close_code() is None
        await loop.skip(0.3)
        assert line.close_code() == CloseCode.SESSION_INVALID
        looking.cancel()
        house.hub.close()

    run_skipping(story)


def test_a_look_that_fails_is_logged_and_the_next_one_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story(loop: SkippingLoop) -> None:
        house = House()
        seen = []

        def clock() -> float:
            seen.append(loop.time())
            raise ZeroDivisionError

        pulse = Keepalive(house.hub, clock=clock, now=house.clock.ms)
        looking = loop.create_task(pulse.run())
        for _ in range(3):
            assert len(seen) < 2
            await loop.skip(1.1)
        assert len(seen) == 2
        looking.cancel()
        house.hub.close()

    run_skipping(story)
    assert [record.message for record in caplog.records] == ["checking the connections failed"] * 2

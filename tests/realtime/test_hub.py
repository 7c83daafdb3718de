"""Fan-out: order, holes, slow readers, and what other nodes say."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

import pytest
import pytest_asyncio

from chatserver.bus import Receive
from chatserver.errors import CloseCode, Disconnect, Unavailable
from chatserver.models import Event, Kind, RoomKind, RoomState, User
from chatserver.realtime import presence_feed
from chatserver.realtime import subscriptions as subscriptions_module
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.presence_feed import WRITES_PER_TURN
from chatserver.realtime.subscriptions import Missed


class SocketTransport:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.waiting = 0
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def close(self) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    def received(self) -> list[int]:
        """The seqs of the messages on it."""
        parts = self.written.split(b'"seq":')[1:]
        return [int(part.split(b",")[0]) for part in parts]


class Tin:
    """Two nodes and a string between them; the string can be cut."""

    peers = True

    def __init__(self) -> None:
        self.other: Hub | None = None
        self.cut = False

    def publish(self, payload: bytes) -> None:
        if self.other is not None and not self.cut:
            self.other.receive(payload)

    async def reachable(self) -> bool:
        return not self.cut

    async def start(self, receive: Receive, *, chat: str) -> None: ...
    async def close(self) -> None: ...


class Stage:
    """A hub, the database behind it, and a clock that stands still."""

    def __init__(self, log: dict[int, list[Event]]) -> None:
        self.log = log
        self.bus = Tin()
        self.away = False
        self.left: dict[int, int] = {}
        self.reads: list[tuple[int, int]] = []
        self.between = self._nothing  # what happens between a query and its answer
        self.alive: set[str] = set()  # sessions
        self.hub = Hub(
            self.bus,
            self._read,
            self._states,
            node=str(id(self)),
            find_alive=self._find_alive,
            clock=lambda: 0.0,
        )

    async def _find_alive(self, sessions: Collection[str]) -> set[str]:
        if self.away:
            raise Unavailable
        await self.between()
        return self.alive & set(sessions)

    async def _states(self, user_ids: Sequence[int], room: int) -> dict[int, RoomState]:
        head = len(self.log.get(room, []))
        await self.between()
        state = RoomState(room, RoomKind.GROUP, "plans", "Plans", 3, head, 0, head, 0, False)
        return dict.fromkeys(user_ids, state)

    async def _nothing(self) -> None:
        pass

    async def _read(self, room: int, after: int) -> Missed:
        self.reads.append((room, after))
        if self.away:
            raise Unavailable
        events = [event for event in self.log.get(room, []) if event.seq > after]
        return Missed(events[:2], {user: seq for user, seq in self.left.items() if seq > after})

    def connect(self, user_id: int, name: str, **heads: int) -> tuple[Connection, SocketTransport]:
        line = SocketTransport()
        connection = Connection(
            line,
            User(user_id, name, name.capitalize()),
            session_id=f"session of {name}",
            expires_at=10**15,
            lifetime=60,
            limit=1_000,
            last_received=0.0,
        )
        with self.hub.connecting():
            self.hub.attach(connection, {int(room[1:]): head for room, head in heads.items()})
        line.written = b""
        return connection, line

    def store(self, *seqs: int, room: int = 1, people: tuple[int, ...] = ()) -> list[Event]:
        to = "bo" if people else None
        events = [Event(room, seq, "ann", "hi", 0, to=to, people=people) for seq in seqs]
        self.log.setdefault(room, []).extend(events)
        return events

    def remove(self, seq: int, *users: int, room: int = 1) -> list[Event]:
        """ann removes these users."""
        change = {"action": "remove", "users": ["somebody"]}
        events = [Event(room, seq, "ann", "", 0, kind=Kind.ROOM, change=change, left=users)]
        self.log.setdefault(room, []).extend(events)
        return events

    async def settled(self) -> None:
        """Until no repair is under way."""
        while any(feed.repair for feed in self.hub._subscriptions._feeds.values()):
            await asyncio.sleep(0)


@pytest_asyncio.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(subscriptions_module, "REPAIR_DELAY", 0)
    stage = Stage({})
    yield stage
    stage.hub.close()


@pytest_asyncio.fixture
async def nodes(stage: Stage) -> AsyncIterator[tuple[Stage, Stage]]:
    other = Stage(stage.log)
    stage.bus.other, other.bus.other = other.hub, stage.hub
    yield stage, other
    other.hub.close()


async def test_what_one_commit_brought_is_one_write(stage: Stage) -> None:
    _, line = stage.connect(1, "ann", r1=0)
    writes: list[bytes] = []
    line.write = writes.append  # type: ignore[method-assign,assignment]
    stage.hub.publish(1, stage.store(1, 2, 3))
    assert len(writes) == 1


async def test_only_listeners_hear(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    _, cys = stage.connect(3, "cy", r2=0)
    stage.hub.publish(1, stage.store(1))
    assert (anns.received(), cys.received()) == ([1], [])


async def test_whoever_left_hears_nothing(stage: Stage) -> None:
    connection, line = stage.connect(1, "ann", r1=0)
    stage.hub.detach(connection)
    stage.hub.publish(1, stage.store(1))
    assert line.received() == []
    assert stage.hub.connections == []


async def test_an_early_event_waits_for_the_one_before_it(stage: Stage) -> None:
    _, line = stage.connect(1, "ann", r1=0)
    later, earlier = stage.store(2), stage.store(1)
    stage.hub.publish(1, later)
    assert line.received() == []
    stage.hub.publish(1, earlier)
    assert line.received() == [1, 2]
    await stage.settled()
    assert line.received() == [1, 2]


async def test_a_hole_is_read_from_the_database(stage: Stage) -> None:
    _, line = stage.connect(1, "ann", r1=0)
    stage.store(1, 2, 3)
    stage.hub.publish(1, stage.store(4))
    await stage.settled()
    assert line.received() == [1, 2, 3, 4]


async def test_news_that_overlaps_is_told_once(stage: Stage) -> None:
    _, line = stage.connect(1, "ann", r1=0)
    first = stage.store(1, 2, 3)
    stage.hub.publish(1, first[:2])
    stage.hub.publish(1, first)
    await stage.settled()
    assert line.received() == [1, 2, 3]
    stage.hub.publish(1, first)
    assert line.received() == [1, 2, 3]


async def test_a_reminder_brings_what_was_missed(stage: Stage) -> None:
    _, line = stage.connect(1, "ann", r1=0)
    stage.store(1, 2)
    stage.hub.notify_gap(1, 2)
    await stage.settled()
    assert line.received() == [1, 2]
    stage.hub.notify_gap(1, 2)
    assert stage.reads[-1] == (1, 0)


async def test_a_hole_stays_for_now_when_the_database_is_away(stage: Stage) -> None:
    _, line = stage.connect(1, "ann", r1=0)
    stage.store(1)
    stage.away = True
    stage.hub.publish(1, stage.store(2))
    await stage.settled()
    assert line.received() == []
    stage.away = False
    stage.hub.publish(1, stage.store(3))
    await stage.settled()
    assert line.received() == [1, 2, 3]


async def test_events_between_reading_the_heads_and_attaching_are_not_lost(stage: Stage) -> None:
    line = SocketTransport()
    connection = Connection(
        line,
        User(1, "ann", "Ann"),
        session_id="s",
        expires_at=1,
        lifetime=1,
        limit=1,
        last_received=0,
    )
    with stage.hub.connecting():
        heads = {1: 1}  # what the database says; then ann writes
        stage.hub.publish(1, stage.store(1))
        stage.hub.publish(1, stage.store(2, 3))
        connection.reply(stage.hub.attach(connection, heads))
    stage.hub.publish(1, stage.store(4))
    assert line.received() == [2, 3, 4]


async def test_events_that_a_welcome_has_counted_are_not_sent_behind_it(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    stage.store(1, 2)  # stored, and about to be published
    _, bos = stage.connect(2, "bo", r1=2)
    stage.hub.publish(1, stage.log[1])
    stage.hub.publish(1, stage.store(3))
    assert (anns.received(), bos.received()) == ([1, 2, 3], [3])


async def test_a_hole_before_a_connection_came_is_read_for_it(stage: Stage) -> None:
    line = SocketTransport()
    connection = Connection(
        line,
        User(1, "ann", "Ann"),
        session_id="s",
        expires_at=1,
        lifetime=1,
        limit=1,
        last_received=0,
    )
    with stage.hub.connecting():
        stage.store(1)  # lost on the bus
        stage.hub.publish(1, stage.store(2))
        connection.reply(stage.hub.attach(connection, {1: 0}))
    await stage.settled()
    assert line.received() == [1, 2]


async def test_read_positions_that_moved_while_a_socket_arrived_follow_its_welcome(
    stage: Stage,
) -> None:
    connection = Connection(
        SocketTransport(),
        User(1, "ann", "Ann"),
        session_id="s",
        expires_at=1,
        lifetime=1,
        limit=1,
        last_received=0,
    )
    stage.hub.send_ephemeral(b"before", user=1)
    with stage.hub.connecting():
        stage.hub.send_ephemeral(b"mine", user=1)
        stage.hub.send_ephemeral(b"of bo", user=2)
        assert stage.hub.attach(connection, {}) == b"mine"
    with stage.hub.connecting():
        assert stage.hub.attach(connection, {}) == b""


async def test_what_is_said_while_new_members_are_introduced_is_counted_or_sent(
    stage: Stage,
) -> None:
    lines = [stage.connect(number, f"user{number}")[1] for number in range(1, 4)]

    async def talk() -> None:
        stage.hub.publish(1, stage.store(2, 3))

    stage.between = talk
    stage.store(1)
    await stage.hub.announce_room([1, 2, 3, 99], 1, b'{"type":13,"seq":1}')
    stage.hub.publish(1, stage.store(4))
    for line in lines:
        assert b'"head":1' in line.written
        assert line.received() == [1, 2, 3, 4]


async def test_whoever_falls_behind_is_hung_up_and_the_others_are_not(stage: Stage) -> None:
    slow, slow_line = stage.connect(1, "ann", r1=0)
    _, line = stage.connect(2, "bo", r1=0)
    slow_line.waiting = 2_000
    stage.hub.publish(1, stage.store(1))
    assert slow.closing
    assert int(CloseCode.TOO_SLOW).to_bytes(2) in slow_line.written
    stage.hub.publish(1, stage.store(2))
    assert (slow_line.received(), line.received()) == ([], [1, 2])


async def test_people_hear_a_direct_room_that_did_not_exist_when_they_came(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    _, bos = stage.connect(2, "bo", r1=0)
    _, cys = stage.connect(3, "cy", r1=0)
    stage.hub.publish(7, stage.store(1, room=7, people=(1, 2)))
    assert (anns.received(), bos.received(), cys.received()) == ([1], [1], [])


async def test_a_session_that_ended_while_its_socket_arrived_stays_outside(stage: Stage) -> None:
    connection = Connection(
        SocketTransport(),
        User(1, "ann", "Ann"),
        session_id="s",
        expires_at=1,
        lifetime=1,
        limit=1,
        last_received=0,
    )
    stage.hub.sessions.end_session("s")
    with stage.hub.connecting() as arrival:
        arrival.check(connection.session_id, 1)  # what ended before is the database's to know
        stage.hub.sessions.end_session("s")
        with pytest.raises(Disconnect):
            arrival.check(connection.session_id, 1)


async def test_a_room_that_opens_while_somebody_arrives_is_looked_up_again(stage: Stage) -> None:
    with stage.hub.connecting() as arrival:
        assert not arrival.has_moved(2)
        stage.hub.publish(7, stage.store(1, room=7, people=(1, 2)))
        assert arrival.has_moved(2)
        assert not arrival.has_moved(2)
        assert not arrival.has_moved(3)


async def test_two_who_arrive_at_once_are_told_apart(stage: Stage) -> None:
    with stage.hub.connecting() as first:
        second_way = stage.hub.connecting()
        second = second_way.__enter__()
        stage.hub.publish(7, stage.store(1, room=7, people=(1, 2)))
        second_way.__exit__(None, None, None)
        assert second.has_moved(2)
        stage.hub.sessions.end_session("s")
        with pytest.raises(Disconnect):
            first.check("s", 1)


async def test_other_nodes_hear_the_same(nodes: tuple[Stage, Stage]) -> None:
    here, there = nodes
    _, line = there.connect(2, "bo", r1=0)
    here.hub.publish(1, here.store(1, 2))
    assert line.received() == [1, 2]


async def test_a_lost_doorbell_is_made_up_by_the_next(nodes: tuple[Stage, Stage]) -> None:
    here, there = nodes
    _, line = there.connect(2, "bo", r1=0)
    here.bus.cut = True
    here.hub.publish(1, here.store(1))
    here.bus.cut = False
    here.hub.publish(1, here.store(2))
    await there.settled()
    assert line.received() == [1, 2]


async def test_a_direct_room_made_on_another_node_is_heard(nodes: tuple[Stage, Stage]) -> None:
    here, there = nodes
    _, line = there.connect(2, "bo", r1=0)
    here.hub.publish(7, here.store(1, room=7, people=(1, 2)))
    assert line.received() == [1]


async def test_signing_out_hangs_up_on_every_node(nodes: tuple[Stage, Stage]) -> None:
    here, there = nodes
    connection, line = there.connect(2, "bo", r1=0)
    _, others = there.connect(3, "cy", r1=0)
    here.hub.sessions.end_session("session of bo")
    assert connection.closing
    assert int(CloseCode.SESSION_INVALID).to_bytes(2) in line.written
    assert others.written == b""
    here.hub.sessions.end_user(3, CloseCode.REMOVED)
    await _turns(2)
    assert int(CloseCode.REMOVED).to_bytes(2) in others.written


async def test_people_on_other_nodes_are_online(nodes: tuple[Stage, Stage]) -> None:
    here, there = nodes
    there.connect(2, "bo", r1=0)
    there.hub.check_nodes()
    assert [person.name for person in here.hub.presence.online()] == ["bo"]


async def test_no_message_waits_until_everybody_is_told_who_came(stage: Stage) -> None:
    crowd = [stage.connect(1, "ann", r1=0)[1] for _ in range(WRITES_PER_TURN + 1)]
    stage.connect(2, "bo")
    while not any(b'"online"' in line.written for line in crowd):
        await asyncio.sleep(0)
    told = [b'"online"' in line.written for line in crowd]
    assert (told.count(True), told.count(False)) == (WRITES_PER_TURN, 1)
    stage.hub.publish(1, stage.store(1))
    assert all(line.received() == [1] for line in crowd)
    await asyncio.sleep(0)
    assert all(b'"online"' in line.written for line in crowd)


async def test_who_left_while_others_are_told_that_they_came_is_no_ghost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_feed, "INTERVAL", 0)
    crowd = dict(stage.connect(1, "ann") for _ in range(5 * WRITES_PER_TURN))
    bo, _ = stage.connect(2, "bo")
    *first, last, _ = stage.hub.connections
    while b'"online":[{' not in crowd[first[0]].written:
        await asyncio.sleep(0)
    for connection in [*first[: 4 * WRITES_PER_TURN], bo]:
        stage.hub.detach(connection)
    while b'"offline":["bo"]' not in crowd[last].written:
        await asyncio.sleep(0)
    assert b'"bo"' in crowd[last].written.split(b'"offline":["bo"]')[0]


async def test_a_reminder_opens_a_conversation_to_its_people(stage: Stage) -> None:
    _, line = stage.connect(2, "bo")
    stage.store(1, room=9, people=(1, 2))
    stage.hub.notify_gap(9, 1, (1, 2))
    await stage.settled()
    assert line.received() == [1]


async def test_how_far_a_room_is_heard_is_told_only_where_it_has_no_hole(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage.bus, "peers", False, raising=False)
    ann, _ = stage.connect(1, "ann", r1=4, r2=7)
    assert {room: last for room, (last, _) in stage.hub.cursors(ann, [1, 2, 3]).items()} == {
        1: 4,
        2: 7,
    }
    stage.hub.notify_gap(1, 5)
    assert list(stage.hub.cursors(ann, [1, 2])) == [2]
    stage.hub.publish(2, stage.remove(8, 1, room=2))
    assert stage.hub.cursors(ann, [2]) == {}


async def test_where_other_nodes_write_only_the_database_knows_how_far_a_room_is(
    stage: Stage,
) -> None:
    ann, _ = stage.connect(1, "ann", r1=4)
    assert stage.hub.cursors(ann, [1]) == {}


async def test_who_is_called_back_is_not_told_to_log_in_again(stage: Stage) -> None:
    _, line = stage.connect(1, "ann", r1=0)
    stage.hub.force_reconnect([1])
    assert b'"type":0' not in line.written
    assert int(CloseCode.RESTARTING).to_bytes(2) in line.written


async def test_who_arrives_behind_a_hole_makes_everybody_whole(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    stage.store(1, 2)  # and nobody is told
    _, bos = stage.connect(2, "bo", r1=2)
    await stage.settled()
    assert (anns.received(), bos.received()) == ([1, 2], []), "bo's welcome has counted them"


RESTARTING = int(CloseCode.RESTARTING).to_bytes(2)


async def test_a_removed_member_hears_up_to_the_removal_of_one_commit(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    bo, bos = stage.connect(2, "bo", r1=0)
    stage.hub.publish(1, [*stage.store(1), *stage.remove(2, 2), *stage.store(3, 4)])
    assert (anns.received(), bos.received()) == ([1, 2, 3, 4], [1, 2])
    assert (bo.closing, bo.rooms) == (False, set())


async def test_two_who_are_removed_in_one_commit_hear_up_to_their_own_removal(
    stage: Stage,
) -> None:
    bos, cys = stage.connect(2, "bo", r1=0)[1], stage.connect(3, "cy", r1=0)[1]
    events = [*stage.remove(1, 2), *stage.store(2), *stage.remove(3, 3), *stage.store(4)]
    stage.hub.publish(1, events)
    assert (bos.received(), cys.received()) == ([1], [1, 2, 3])


async def test_what_waited_behind_a_removal_is_not_for_the_removed(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    _, bos = stage.connect(2, "bo", r1=0)
    removal = stage.remove(1, 2)
    stage.hub.publish(1, stage.store(2, 3))
    stage.hub.publish(1, removal)
    assert (anns.received(), bos.received()) == ([1, 2, 3], [1])


async def test_a_removal_behind_a_hole_makes_the_removed_reconnect_at_once(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    bo, bos = stage.connect(2, "bo", r1=0)
    stage.store(1)
    stage.hub.publish(1, stage.remove(2, 2))
    assert (bo.closing, RESTARTING in bos.written) == (True, True)
    await stage.settled()
    stage.hub.publish(1, stage.store(3))
    assert (anns.received(), bos.received()) == ([1, 2, 3], [])


async def test_a_hole_with_a_removal_in_it_is_not_for_the_removed(stage: Stage) -> None:
    ann, anns = stage.connect(1, "ann", r1=0)
    bo, bos = stage.connect(2, "bo", r1=0)
    stage.store(1)
    stage.remove(2, 2)
    stage.store(3)
    stage.left = {2: 2}
    stage.hub.notify_gap(1, 3)
    await stage.settled()
    assert (anns.received(), bos.received()) == ([1, 2, 3], [])
    assert (ann.closing, bo.closing) == (False, True)
    assert RESTARTING in bos.written


async def test_a_removal_that_is_not_yet_read_keeps_the_newest_state_from_the_removed(
    stage: Stage,
) -> None:
    _, bos = stage.connect(2, "bo", r1=0)
    stage.store(1, 2, 3)  # read two at a time; the first of them may be edited behind the removal
    stage.remove(4, 2)
    stage.left = {2: 4}
    stage.hub.notify_gap(1, 4)
    await stage.settled()
    assert bos.received() == []


async def test_who_arrives_while_a_hole_with_a_removal_is_read_is_looked_up_again(
    stage: Stage,
) -> None:
    stage.connect(1, "ann", r1=0)
    with stage.hub.connecting() as arrival:
        stage.remove(1, 2)
        stage.left = {2: 1}
        stage.hub.notify_gap(1, 1)
        await stage.settled()
        assert arrival.has_moved(2)


async def test_an_earlier_removal_does_not_end_a_later_membership(stage: Stage) -> None:
    _, bos = stage.connect(2, "bo", r1=0)
    removal = stage.remove(1, 2)
    stage.hub.publish(1, stage.store(2, 3))
    _, again = stage.connect(2, "bo", r1=3)  # back with the third event, says the database
    stage.hub.publish(1, removal)
    stage.hub.publish(1, stage.store(4))
    assert (bos.received(), again.received()) == ([1], [4])


async def test_a_node_that_stops_leaves_no_users_and_no_keys_behind(
    nodes: tuple[Stage, Stage],
) -> None:
    one, two = nodes
    one.connect(1, "ann")
    one.hub.check_nodes()
    assert [person.name for person in two.hub.presence.online()] == ["ann"]
    one.hub.close()
    assert two.hub.presence.online() == []
    assert two.hub.presence.remote_keys() == []


async def test_a_removal_on_another_node_ends_with_itself(nodes: tuple[Stage, Stage]) -> None:
    here, there = nodes
    _, bos = there.connect(2, "bo", r1=0)
    here.hub.publish(1, [*here.store(1), *here.remove(2, 2), *here.store(3)])
    assert bos.received() == [1, 2]


async def test_nothing_unstored_follows_a_removal_behind_a_hole(stage: Stage) -> None:
    _, anns = stage.connect(1, "ann", r1=0)
    _, bos = stage.connect(2, "bo", r1=0)
    stage.store(1)
    stage.hub.publish(1, stage.remove(2, 2))
    stage.hub.send_ephemeral(b"ann types", room=1)
    assert (b"ann types" in anns.written, b"ann types" in bos.written) == (True, False)


async def test_a_new_member_who_cannot_be_shown_the_room_reconnects(
    nodes: tuple[Stage, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = nodes
    bo, bos = there.connect(2, "bo", r1=0)

    async def away(_users: Sequence[int], _room: int) -> dict[int, RoomState]:
        raise Unavailable

    monkeypatch.setattr(there.hub._announcements, "_read_states", away)
    change = {"action": "invite", "users": ["bo"]}
    here.hub.publish(7, [Event(7, 1, "ann", "", 0, kind=Kind.ROOM, change=change, joined=(2,))])
    while not bo.closing:
        await asyncio.sleep(0)
    assert RESTARTING in bos.written


async def test_a_connection_to_many_rooms_is_prepared_and_detached_in_several_turns(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "ROOMS_PER_TURN", 2)
    cy, line = stage.connect(3, "cy")
    stage.hub.detach(cy)
    heads = dict.fromkeys(range(1, 8), 0)
    with stage.hub.connecting():
        preparing = asyncio.create_task(stage.hub.prepare(heads))
        await _turns(2)
        assert not preparing.done()
        await preparing
        stage.hub.publish(5, stage.store(1, room=5))
        cy.reply(stage.hub.attach(cy, heads))
    stage.hub.publish(6, stage.store(1, room=6))
    assert line.received() == [1, 1]
    assert cy.rooms == heads.keys()
    assert stage.hub.heads() == heads | {5: 1, 6: 1}
    stage.hub.detach(cy)
    assert len(cy.rooms) == 5
    await _turns(4)
    assert not cy.rooms
    assert stage.hub.heads() == {}


async def test_frames_for_a_crowd_go_out_in_several_turns_to_who_is_still_a_member(
    stage: Stage,
) -> None:
    crowd = [stage.connect(1, "ann", r1=0) for _ in range(WRITES_PER_TURN)]
    late, lines = zip(*(stage.connect(2, "bo", r1=0) for _ in range(2)), strict=True)
    stage.hub.send_ephemeral(b"typing", room=1)
    stage.hub._subscriptions.end_membership(late[0], 1, 1)
    assert [line.written for _, line in crowd] == [b"typing"] * WRITES_PER_TURN
    assert [line.written for line in lines] == [b"", b""]
    await _turns(1)
    assert [line.written for line in lines] == [b"", b"typing"]


async def test_rooms_that_nobody_listens_to_are_forgotten_when_nobody_connects(
    stage: Stage,
) -> None:
    cy, _ = stage.connect(3, "cy", r1=0, r2=0)
    with stage.hub.connecting():
        stage.hub.publish(3, stage.store(1, room=3))
        stage.hub.detach(cy)
        _, line = stage.connect(4, "di", r2=0)
        assert stage.hub.heads() == {1: 0, 2: 0, 3: 1}
    assert stage.hub.heads() == {2: 0}
    stage.hub.publish(2, stage.store(1, room=2))
    assert line.received() == [1]


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)

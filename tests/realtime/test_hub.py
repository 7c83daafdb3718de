"""Hub: fan-out, gaps, slow readers and messages of other nodes."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

import pytest
import pytest_asyncio

from chatserver.bus import Receive
from chatserver.errors import CloseCode, Disconnect, Unavailable
from chatserver.models import Event, EventKind, RoomKind, RoomState, User
from chatserver.realtime import presence_broadcaster
from chatserver.realtime import subscriptions as subscriptions_module
from chatserver.realtime.connection import WRITES_PER_TURN, Connection
from chatserver.realtime.hub import Hub
from chatserver.realtime.room_feed import Missed


class SocketTransport:
    """A transport that records what is written to it."""

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
        """Return the seqs of the messages written to it."""
        parts = self.written.split(b'"seq":')[1:]
        return [int(part.split(b",")[0]) for part in parts]


class FakeBus:
    """In-memory bus between two nodes that can drop messages."""

    peers = True
    unreachable = False

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


class Node:
    """A hub with an in-memory database and a fake clock."""

    def __init__(self, log: dict[int, list[Event]]) -> None:
        self.log = log
        self.bus = FakeBus()
        self.away = False
        self.changes: dict[int, int] = {}
        self.reads: list[tuple[int, int]] = []
        self.changes_read: list[dict[int, int]] = []
        self.between = self._nothing  # called between a query and its result
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

    async def _read(self, room: int, after: int, known: int) -> Missed:
        self.reads.append((room, after))
        if self.away:
            raise Unavailable
        events = [event for event in self.log.get(room, []) if event.seq > after]
        changes = {user: seq for user, seq in self.changes.items() if seq > known}
        self.changes_read.append(changes)
        return Missed(events[:2], changes)

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

    def store(self, *seqs: int, room: int = 1, participants: tuple[int, ...] = ()) -> list[Event]:
        to = "bo" if participants else None
        events = [
            Event(room, seq, "ann", "hi", 0, to=to, participants=participants) for seq in seqs
        ]
        self.log.setdefault(room, []).extend(events)
        return events

    def remove(self, seq: int, *users: int, room: int = 1) -> list[Event]:
        """Store the removal of these users by ann."""
        change = {"action": "remove", "users": ["cy"]}
        events = [
            Event(room, seq, "ann", "", 0, kind=EventKind.ROOM, change=change, left_ids=users)
        ]
        self.log.setdefault(room, []).extend(events)
        return events

    async def settled(self) -> None:
        """Wait until no repair is running."""
        while any(feed.repair for feed in self.hub.subscriptions._feeds.values()):
            await asyncio.sleep(0)


@pytest_asyncio.fixture
async def node(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(subscriptions_module, "REPAIR_DELAY", 0)
    node = Node({})
    yield node
    node.hub.close()


@pytest_asyncio.fixture
async def nodes(node: Node) -> AsyncIterator[tuple[Node, Node]]:
    other = Node(node.log)
    node.bus.other, other.bus.other = other.hub, node.hub
    yield node, other
    other.hub.close()


async def test_events_of_one_commit_are_one_write(node: Node) -> None:
    _, line = node.connect(1, "ann", r1=0)
    writes: list[bytes] = []
    line.write = writes.append  # type: ignore[method-assign,assignment]
    node.hub.publish(1, node.store(1, 2, 3))
    assert len(writes) == 1


async def test_only_subscribers_receive_events(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    _, cys = node.connect(3, "cy", r2=0)
    node.hub.publish(1, node.store(1))
    assert (anns.received(), cys.received()) == ([1], [])


async def test_a_detached_connection_receives_nothing(node: Node) -> None:
    connection, line = node.connect(1, "ann", r1=0)
    node.hub.detach(connection)
    node.hub.publish(1, node.store(1))
    assert line.received() == []
    assert node.hub.connections == []


async def test_an_event_after_a_gap_waits_for_the_previous_one(node: Node) -> None:
    _, line = node.connect(1, "ann", r1=0)
    later, earlier = node.store(2), node.store(1)
    node.hub.publish(1, later)
    assert line.received() == []
    node.hub.publish(1, earlier)
    assert line.received() == [1, 2]
    await node.settled()
    assert line.received() == [1, 2]


async def test_a_gap_is_read_from_the_database(node: Node) -> None:
    _, line = node.connect(1, "ann", r1=0)
    node.store(1, 2, 3)
    node.hub.publish(1, node.store(4))
    await node.settled()
    assert line.received() == [1, 2, 3, 4]


async def test_overlapping_events_are_sent_once(node: Node) -> None:
    _, line = node.connect(1, "ann", r1=0)
    first = node.store(1, 2, 3)
    node.hub.publish(1, first[:2])
    node.hub.publish(1, first)
    await node.settled()
    assert line.received() == [1, 2, 3]
    node.hub.publish(1, first)
    assert line.received() == [1, 2, 3]


async def test_a_gap_notification_delivers_missed_events(node: Node) -> None:
    _, line = node.connect(1, "ann", r1=0)
    node.store(1, 2)
    node.hub.notify_gap(1, 2)
    await node.settled()
    assert line.received() == [1, 2]
    node.hub.notify_gap(1, 2)
    assert node.reads[-1] == (1, 0)


async def test_a_gap_is_repaired_when_the_database_is_available_again(node: Node) -> None:
    _, line = node.connect(1, "ann", r1=0)
    node.store(1)
    node.away = True
    node.hub.publish(1, node.store(2))
    await node.settled()
    assert line.received() == []
    node.away = False
    node.hub.publish(1, node.store(3))
    await node.settled()
    assert line.received() == [1, 2, 3]


async def test_events_between_reading_the_heads_and_attaching_are_not_lost(node: Node) -> None:
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
    with node.hub.connecting():
        heads = {1: 1}  # as read from the database; then ann writes
        node.hub.publish(1, node.store(1))
        node.hub.publish(1, node.store(2, 3))
        connection.reply(node.hub.attach(connection, heads))
    node.hub.publish(1, node.store(4))
    assert line.received() == [2, 3, 4]


async def test_events_included_in_a_welcome_are_not_sent_after_it(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    node.store(1, 2)  # stored, and about to be published
    _, bos = node.connect(2, "bo", r1=2)
    node.hub.publish(1, node.log[1])
    node.hub.publish(1, node.store(3))
    assert (anns.received(), bos.received()) == ([1, 2, 3], [3])


async def test_a_gap_from_before_a_connection_is_repaired_for_it(node: Node) -> None:
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
    with node.hub.connecting():
        node.store(1)  # lost on the bus
        node.hub.publish(1, node.store(2))
        connection.reply(node.hub.attach(connection, {1: 0}))
    await node.settled()
    assert line.received() == [1, 2]


async def test_read_positions_that_moved_while_a_client_connected_follow_its_welcome(
    node: Node,
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
    node.hub.send_ephemeral(b"before", user=1)
    with node.hub.connecting():
        node.hub.send_ephemeral(b"mine", user=1)
        node.hub.send_ephemeral(b"of bo", user=2)
        assert node.hub.attach(connection, {}) == b"mine"
    with node.hub.connecting():
        assert node.hub.attach(connection, {}) == b""


async def test_events_during_the_announcement_of_a_room_are_included_or_sent(
    node: Node,
) -> None:
    lines = [node.connect(number, f"user{number}")[1] for number in range(1, 4)]

    async def talk() -> None:
        node.hub.publish(1, node.store(2, 3))

    node.between = talk
    node.store(1)
    await node.hub.announcements.announce_room([1, 2, 3, 99], 1, b'{"type":13,"seq":1}')
    node.hub.publish(1, node.store(4))
    for line in lines:
        assert b'"head":1' in line.written
        assert line.received() == [1, 2, 3, 4]


async def test_a_slow_connection_is_closed_and_others_are_not(node: Node) -> None:
    slow, slow_line = node.connect(1, "ann", r1=0)
    _, line = node.connect(2, "bo", r1=0)
    slow_line.waiting = 2_000
    node.hub.publish(1, node.store(1))
    assert slow.closing
    assert int(CloseCode.TOO_SLOW).to_bytes(2) in slow_line.written
    node.hub.publish(1, node.store(2))
    assert (slow_line.received(), line.received()) == ([], [1, 2])


async def test_members_receive_events_of_a_new_direct_room(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    _, bos = node.connect(2, "bo", r1=0)
    _, cys = node.connect(3, "cy", r1=0)
    node.hub.publish(7, node.store(1, room=7, participants=(1, 2)))
    assert (anns.received(), bos.received(), cys.received()) == ([1], [1], [])


async def test_a_client_whose_session_ends_while_it_connects_is_rejected(node: Node) -> None:
    connection = Connection(
        SocketTransport(),
        User(1, "ann", "Ann"),
        session_id="s",
        expires_at=1,
        lifetime=1,
        limit=1,
        last_received=0,
    )
    node.hub.session_ends.close_session_connections("s")
    with node.hub.connecting() as arrival:
        arrival.check(connection.session_id, 1)  # the database knows earlier ends
        node.hub.session_ends.close_session_connections("s")
        with pytest.raises(Disconnect):
            arrival.check(connection.session_id, 1)


async def test_a_client_that_connects_while_its_rights_change_reconnects(node: Node) -> None:
    with node.hub.connecting() as arrival:
        node.hub.force_reconnect([1])
        with pytest.raises(Disconnect) as disconnect:
            arrival.check("s", 1)
    assert (disconnect.value.code, disconnect.value.reason) == (CloseCode.RESTARTING, "reconnect")


async def test_rooms_that_change_while_a_client_connects_are_read_again(node: Node) -> None:
    with node.hub.connecting() as arrival:
        assert not arrival.take_change(2)
        node.hub.publish(7, node.store(1, room=7, participants=(1, 2)))
        assert arrival.take_change(2)
        assert not arrival.take_change(2)
        assert not arrival.take_change(3)


async def test_changes_for_two_connecting_clients_are_kept_apart(node: Node) -> None:
    with node.hub.connecting() as first:
        second_way = node.hub.connecting()
        second = second_way.__enter__()
        node.hub.publish(7, node.store(1, room=7, participants=(1, 2)))
        second_way.__exit__(None, None, None)
        assert second.take_change(2)
        node.hub.session_ends.close_session_connections("s")
        with pytest.raises(Disconnect):
            first.check("s", 1)


async def test_other_nodes_send_the_same_events(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    _, line = there.connect(2, "bo", r1=0)
    here.hub.publish(1, here.store(1, 2))
    assert line.received() == [1, 2]


async def test_the_next_bus_message_repairs_a_lost_one(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    _, line = there.connect(2, "bo", r1=0)
    here.bus.cut = True
    here.hub.publish(1, here.store(1))
    here.bus.cut = False
    here.hub.publish(1, here.store(2))
    await there.settled()
    assert line.received() == [1, 2]


async def test_events_of_a_direct_room_created_on_another_node_are_sent(
    nodes: tuple[Node, Node],
) -> None:
    here, there = nodes
    _, line = there.connect(2, "bo", r1=0)
    here.hub.publish(7, here.store(1, room=7, participants=(1, 2)))
    assert line.received() == [1]


async def test_the_end_of_a_session_closes_its_connections_on_all_nodes(
    nodes: tuple[Node, Node],
) -> None:
    here, there = nodes
    connection, line = there.connect(2, "bo", r1=0)
    _, others = there.connect(3, "cy", r1=0)
    here.hub.session_ends.close_session_connections("session of bo")
    assert connection.closing
    assert int(CloseCode.SESSION_INVALID).to_bytes(2) in line.written
    assert others.written == b""
    here.hub.session_ends.close_user_connections(3, CloseCode.ACCOUNT_CLOSED)
    await _turns(2)
    assert int(CloseCode.ACCOUNT_CLOSED).to_bytes(2) in others.written


async def test_users_on_other_nodes_are_online(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    there.connect(2, "bo", r1=0)
    there.hub.presence.check_nodes()
    assert [user.name for user in here.hub.presence.state.online()] == ["bo"]


async def test_a_changed_picture_reaches_all_nodes_and_clients_that_connect(
    nodes: tuple[Node, Node],
) -> None:
    here, there = nodes
    there.connect(2, "bo", r1=0)
    with there.hub.connecting() as arrival:
        here.hub.announce_profile(User(2, "bo", "Bo", picture="new"))
        assert arrival.take_change(2)
    there.hub.presence.check_nodes()
    for node in nodes:
        assert [user.picture for user in node.hub.presence.state.online()] == ["new"]


async def test_no_message_waits_for_the_presence_frames_of_a_crowd(node: Node) -> None:
    crowd = [node.connect(1, "ann", r1=0)[1] for _ in range(WRITES_PER_TURN + 1)]
    node.connect(2, "bo")
    while not any(b'"online"' in line.written for line in crowd):
        await asyncio.sleep(0)
    sent = [b'"online"' in line.written for line in crowd]
    assert (sent.count(True), sent.count(False)) == (WRITES_PER_TURN, 1)
    node.hub.publish(1, node.store(1))
    assert all(line.received() == [1] for line in crowd)
    await asyncio.sleep(0)
    assert all(b'"online"' in line.written for line in crowd)


async def test_a_user_who_leaves_during_the_presence_frames_is_sent_as_offline(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_broadcaster, "INTERVAL", 0)
    crowd = dict(node.connect(1, "ann") for _ in range(5 * WRITES_PER_TURN))
    bo, _ = node.connect(2, "bo")
    *first, last, _ = node.hub.connections
    while b'"online":[{' not in crowd[first[0]].written:
        await asyncio.sleep(0)
    for connection in [*first[: 4 * WRITES_PER_TURN], bo]:
        node.hub.detach(connection)
    while b'"offline":["bo"]' not in crowd[last].written:
        await asyncio.sleep(0)
    assert b'"bo"' in crowd[last].written.split(b'"offline":["bo"]')[0]


async def test_a_gap_notification_subscribes_the_members_of_a_conversation(node: Node) -> None:
    _, line = node.connect(2, "bo")
    node.store(1, room=9, participants=(1, 2))
    node.hub.notify_gap(9, 1, (1, 2))
    await node.settled()
    assert line.received() == [1]


async def test_cursors_are_returned_only_for_rooms_without_a_gap(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node.bus, "peers", False, raising=False)
    ann, _ = node.connect(1, "ann", r1=4, r2=7)
    assert {room: last for room, (last, _) in node.hub.cursors(ann, [1, 2, 3]).items()} == {
        1: 4,
        2: 7,
    }
    node.hub.notify_gap(1, 5)
    assert list(node.hub.cursors(ann, [1, 2])) == [2]
    node.hub.publish(2, node.remove(8, 1, room=2))
    assert node.hub.cursors(ann, [2]) == {}


async def test_cursors_are_not_returned_if_other_nodes_write(
    node: Node,
) -> None:
    ann, _ = node.connect(1, "ann", r1=4)
    assert node.hub.cursors(ann, [1]) == {}


async def test_a_forced_reconnect_does_not_require_a_login(node: Node) -> None:
    _, line = node.connect(1, "ann", r1=0)
    node.hub.force_reconnect([1])
    assert b'"type":0' not in line.written
    assert int(CloseCode.RESTARTING).to_bytes(2) in line.written


async def test_a_connection_whose_heads_reveal_a_gap_repairs_it_for_all(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    node.store(1, 2)  # and the hub is not notified
    _, bos = node.connect(2, "bo", r1=2)
    await node.settled()
    assert (anns.received(), bos.received()) == ([1, 2], []), "bo's welcome includes them"


RESTARTING = int(CloseCode.RESTARTING).to_bytes(2)


async def test_a_removed_member_receives_a_batch_up_to_the_removal(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    bo, bos = node.connect(2, "bo", r1=0)
    node.hub.publish(1, [*node.store(1), *node.remove(2, 2), *node.store(3, 4)])
    assert (anns.received(), bos.received()) == ([1, 2, 3, 4], [1, 2])
    assert (bo.closing, bo.rooms) == (False, set())


async def test_two_members_removed_in_one_batch_receive_events_up_to_their_own_removal(
    node: Node,
) -> None:
    bos, cys = node.connect(2, "bo", r1=0)[1], node.connect(3, "cy", r1=0)[1]
    events = [*node.remove(1, 2), *node.store(2), *node.remove(3, 3), *node.store(4)]
    node.hub.publish(1, events)
    assert (bos.received(), cys.received()) == ([1], [1, 2, 3])


async def test_queued_events_after_a_removal_are_not_sent_to_the_removed_member(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    _, bos = node.connect(2, "bo", r1=0)
    removal = node.remove(1, 2)
    node.hub.publish(1, node.store(2, 3))
    node.hub.publish(1, removal)
    assert (anns.received(), bos.received()) == ([1, 2, 3], [1])


async def test_a_removal_after_a_gap_makes_the_removed_member_reconnect(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    bo, bos = node.connect(2, "bo", r1=0)
    node.store(1)
    node.hub.publish(1, node.remove(2, 2))
    assert (bo.closing, RESTARTING in bos.written) == (True, True)
    await node.settled()
    node.hub.publish(1, node.store(3))
    assert (anns.received(), bos.received()) == ([1, 2, 3], [])


async def test_a_gap_with_a_removal_is_not_sent_to_the_removed_member(node: Node) -> None:
    ann, anns = node.connect(1, "ann", r1=0)
    bo, bos = node.connect(2, "bo", r1=0)
    node.store(1)
    node.remove(2, 2)
    node.store(3)
    node.changes = {2: 2}
    node.hub.notify_gap(1, 3)
    await node.settled()
    assert (anns.received(), bos.received()) == ([1, 2, 3], [])
    assert (ann.closing, bo.closing) == (False, True)
    assert RESTARTING in bos.written


async def test_changes_of_members_are_read_once_for_a_gap_of_several_parts(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    node.remove(1, 2)
    node.store(2, 3, 4)
    node.remove(5, 3)
    node.changes = {2: 1, 3: 5}
    node.hub.notify_gap(1, 5)
    await node.settled()
    assert (anns.received(), node.changes_read) == ([1, 2, 3, 4, 5], [{2: 1, 3: 5}, {}, {}])


async def test_a_member_who_is_added_again_within_a_gap_reconnects(node: Node) -> None:
    ann, anns = node.connect(1, "ann", r1=0)
    bo, bos = node.connect(2, "bo", r1=0)
    node.remove(1, 2)
    node.store(2, 3)
    node.changes = {2: 2}  # bo is a member again since the second event
    node.hub.notify_gap(1, 3)
    await node.settled()
    assert (anns.received(), bos.received()) == ([1, 2, 3], [])
    assert (ann.closing, bo.closing, RESTARTING in bos.written) == (False, True, True)


async def test_a_member_who_was_sent_the_room_again_stays_connected_when_the_gap_is_read(
    node: Node,
) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    node.remove(1, 2)
    node.store(2)
    bo, bos = node.connect(2, "bo", r1=2)
    node.changes = {2: 2}
    node.store(3)
    node.hub.notify_gap(1, 3)
    await node.settled()
    assert (anns.received(), bos.received(), bo.closing) == ([1, 2, 3], [3], False)


async def test_a_pending_removal_stops_repaired_events_for_the_removed_member(
    node: Node,
) -> None:
    _, bos = node.connect(2, "bo", r1=0)
    node.store(1, 2, 3)  # read two at a time; the first of them may be edited after the removal
    node.remove(4, 2)
    node.changes = {2: 4}
    node.hub.notify_gap(1, 4)
    await node.settled()
    assert bos.received() == []


async def test_a_client_that_connects_while_a_gap_with_a_removal_is_read_is_checked_again(
    node: Node,
) -> None:
    node.connect(1, "ann", r1=0)
    with node.hub.connecting() as arrival:
        node.remove(1, 2)
        node.changes = {2: 1}
        node.hub.notify_gap(1, 1)
        await node.settled()
        assert arrival.take_change(2)


async def test_an_earlier_removal_does_not_end_a_later_membership(node: Node) -> None:
    _, bos = node.connect(2, "bo", r1=0)
    removal = node.remove(1, 2)
    node.hub.publish(1, node.store(2, 3))
    _, again = node.connect(2, "bo", r1=3)  # back with the third event, says the database
    node.hub.publish(1, removal)
    node.hub.publish(1, node.store(4))
    assert (bos.received(), again.received()) == ([1], [4])


async def test_a_stopped_node_leaves_no_users_and_no_keys(
    nodes: tuple[Node, Node],
) -> None:
    one, two = nodes
    one.connect(1, "ann")
    one.hub.presence.check_nodes()
    assert [user.name for user in two.hub.presence.state.online()] == ["ann"]
    one.hub.close()
    assert two.hub.presence.state.online() == []
    assert two.hub.presence.state.remote_keys() == []


async def test_a_removal_on_another_node_is_the_last_event_for_the_removed_member(
    nodes: tuple[Node, Node],
) -> None:
    here, there = nodes
    _, bos = there.connect(2, "bo", r1=0)
    here.hub.publish(1, [*here.store(1), *here.remove(2, 2), *here.store(3)])
    assert bos.received() == [1, 2]


async def test_no_ephemeral_frame_follows_a_removal_after_a_gap(node: Node) -> None:
    _, anns = node.connect(1, "ann", r1=0)
    _, bos = node.connect(2, "bo", r1=0)
    node.store(1)
    node.hub.publish(1, node.remove(2, 2))
    node.hub.send_ephemeral(b"ann types", room=1)
    assert (b"ann types" in anns.written, b"ann types" in bos.written) == (True, False)


async def test_a_new_member_who_cannot_be_shown_the_room_reconnects(
    nodes: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = nodes
    bo, bos = there.connect(2, "bo", r1=0)

    async def away(_users: Sequence[int], _room: int) -> dict[int, RoomState]:
        raise Unavailable

    monkeypatch.setattr(there.hub.announcements, "_read_states", away)
    change = {"action": "invite", "users": ["bo"]}
    here.hub.publish(
        7, [Event(7, 1, "ann", "", 0, kind=EventKind.ROOM, change=change, joined_ids=(2,))]
    )
    while not bo.closing:
        await asyncio.sleep(0)
    assert RESTARTING in bos.written


async def test_a_connection_to_many_rooms_is_prepared_and_detached_in_several_turns(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions_module, "ROOMS_PER_TURN", 2)
    cy, line = node.connect(3, "cy")
    node.hub.detach(cy)
    heads = dict.fromkeys(range(1, 8), 0)
    with node.hub.connecting():
        preparing = asyncio.create_task(node.hub.subscriptions.prepare(heads))
        await _turns(2)
        assert not preparing.done()
        await preparing
        node.hub.publish(5, node.store(1, room=5))
        cy.reply(node.hub.attach(cy, heads))
    node.hub.publish(6, node.store(1, room=6))
    assert line.received() == [1, 1]
    assert cy.rooms == heads.keys()
    assert sorted(node.hub.subscriptions.rooms()) == sorted(heads)
    node.hub.detach(cy)
    assert len(cy.rooms) == 5
    await _turns(4)
    assert not cy.rooms
    assert node.hub.subscriptions.rooms() == []


async def test_frames_for_a_crowd_are_sent_in_several_turns_to_present_members(
    node: Node,
) -> None:
    crowd = [node.connect(1, "ann", r1=0) for _ in range(WRITES_PER_TURN)]
    late, lines = zip(*(node.connect(2, "bo", r1=0) for _ in range(2)), strict=True)
    node.hub.send_ephemeral(b"typing", room=1)
    node.hub.subscriptions.end_membership(late[0], 1, 1)
    assert [line.written for _, line in crowd] == [b"typing"] * WRITES_PER_TURN
    assert [line.written for line in lines] == [b"", b""]
    await _turns(1)
    assert [line.written for line in lines] == [b"", b"typing"]


async def test_rooms_without_subscribers_are_dropped_when_no_client_connects(
    node: Node,
) -> None:
    cy, _ = node.connect(3, "cy", r1=0, r2=0)
    with node.hub.connecting():
        node.hub.publish(3, node.store(1, room=3))
        node.hub.detach(cy)
        _, line = node.connect(4, "di", r2=0)
        assert sorted(node.hub.subscriptions.rooms()) == [1, 2, 3]
    assert node.hub.subscriptions.rooms() == [2]
    node.hub.publish(2, node.store(1, room=2))
    assert line.received() == [1]


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)

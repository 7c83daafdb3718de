"""Messages between nodes that arrive late, twice or out of order change nothing that is newer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
import pytest_asyncio

from chatserver.errors import CloseCode
from chatserver.models import Event, EventKind, RoomState
from chatserver.realtime import subscriptions
from chatserver.realtime.connection import Connection
from tests.realtime.test_hub import Node, SocketTransport

RESTARTING = int(CloseCode.RESTARTING).to_bytes(2)
ORDERS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "late": list,
    "twice": lambda sent: sent * 2,
    "out of order": lambda sent: sent[::-1],
    "out of order, then again": lambda sent: sent[::-1] + sent,
}


class Nodes:
    """Two nodes on one database, and a bus that queues what `here` sends."""

    def __init__(self, order: Callable[[list[bytes]], list[bytes]]) -> None:
        self.here, self.there = Node({}), Node({})
        self.there.log = self.here.log
        self._order = order
        self._sent: list[bytes] = []
        self.here.bus.publish = self._sent.append  # type: ignore[method-assign,assignment]

    async def deliver(self) -> None:
        """Deliver all queued messages to `there`, in the order of this test."""
        sent, self._sent[:] = list(self._sent), []
        for payload in self._order(sent):
            self.there.hub.receive(payload)
            await self.settle()

    async def settle(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)
        await self.there.settled()

    def add(self, seq: int, user: int, room: int = 1) -> list[Event]:
        """A user joins."""
        change = {"action": "invite", "users": ["bo"]}
        event = Event(
            room, seq, "ann", "", 0, kind=EventKind.ROOM, change=change, joined_ids=(user,)
        )
        self.here.log.setdefault(room, []).append(event)
        return [event]

    def bo(self, **heads: int) -> tuple[Connection, SocketTransport]:
        """Attach a connection of bo to the other node, with a valid session."""
        connection, line = self.there.connect(2, "bo", **heads)
        self.there.alive.add(connection.session_id)
        return connection, line


@pytest_asyncio.fixture(params=ORDERS)
async def nodes(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Nodes]:
    monkeypatch.setattr(subscriptions, "REPAIR_DELAY", 0)
    nodes = Nodes(ORDERS[request.param])
    yield nodes
    nodes.here.hub.close()
    nodes.there.hub.close()


# Each case prepares, delivers and checks ----------------------------------------------------------


async def ends_of_earlier_sessions(nodes: Nodes) -> None:
    nodes.here.hub.session_ends.close_user_connections(2, CloseCode.SESSION_INVALID)
    nodes.here.hub.session_ends.close_user_connections(2, CloseCode.ACCOUNT_CLOSED)
    nodes.here.hub.session_ends.close_session_connections("an earlier session of bo")
    nodes.here.hub.session_ends.close_session_connections(
        "a session that cannot be stored", pending=True
    )
    bo, line = nodes.bo(r1=0)
    dead, dead_line = nodes.there.connect(2, "bo", r1=0)
    dead.session_id = "another one"
    await nodes.deliver()
    assert not bo.closing
    assert b"session_over" not in line.written
    assert dead.closing
    assert b"session_over" in dead_line.written


async def ends_while_a_client_connects(nodes: Nodes) -> None:
    nodes.here.hub.session_ends.close_user_connections(2, CloseCode.SESSION_INVALID)
    with nodes.there.hub.connecting() as arrival:
        await nodes.deliver()
        assert arrival.take_change(2), "the session is read again"
        arrival.check("a session that is alive", 2)


async def a_change_of_rights(nodes: Nodes) -> None:
    nodes.here.hub.force_reconnect([2])
    bo, line = nodes.bo(r1=0)
    await nodes.deliver()
    assert bo.closing
    assert RESTARTING + b"reconnect" in line.written
    assert b"session_over" not in line.written


async def events_before_a_welcome(nodes: Nodes) -> None:
    for seq in range(1, 4):
        nodes.here.hub.publish(1, nodes.here.store(seq))
    _, line = nodes.bo(r1=3)
    await nodes.deliver()
    nodes.here.hub.publish(1, nodes.here.store(4))
    await nodes.deliver()
    assert line.received() == [4]


async def events_after_a_welcome(nodes: Nodes) -> None:
    _, line = nodes.bo(r1=0)
    for seq in range(1, 5):
        nodes.here.hub.publish(1, nodes.here.store(seq))
    await nodes.deliver()
    assert line.received() == [1, 2, 3, 4]


async def the_first_events_of_a_direct_room(nodes: Nodes) -> None:
    bo, line = nodes.bo()
    for seq in (1, 2):
        nodes.here.hub.publish(7, nodes.here.store(seq, room=7, participants=(1, 2)))
    nodes.there.connect(1, "ann", r7=2)  # whose welcome has these events
    await nodes.deliver()
    assert line.received() == [1, 2] or (bo.closing and RESTARTING in line.written)


async def a_removal_of_a_member_who_is_back(nodes: Nodes) -> None:
    bo, line = nodes.bo(r1=0)
    nodes.here.hub.publish(1, nodes.here.remove(1, 2))
    nodes.here.hub.publish(1, nodes.add(2, 2))
    nodes.there.hub.notify_gap(1, 2)
    await nodes.settle()
    await nodes.deliver()
    nodes.here.hub.publish(1, nodes.here.store(3))
    await nodes.deliver()
    assert (bo.closing, bo.rooms, line.received()) == (False, {1}, [1, 2, 3])


async def a_removal_of_a_member_who_has_reconnected(nodes: Nodes) -> None:
    nodes.here.hub.publish(1, nodes.here.remove(1, 2))
    nodes.here.hub.publish(1, nodes.add(2, 2))
    bo, line = nodes.bo(r1=2)
    await nodes.deliver()
    nodes.here.hub.publish(1, nodes.here.store(3))
    await nodes.deliver()
    assert (bo.closing, bo.rooms, line.received()) == (False, {1}, [3])


async def an_invitation_before_a_removal(nodes: Nodes) -> None:
    async def none(_users: Sequence[int], _room: int) -> dict[int, RoomState]:
        return {}

    nodes.there.hub.announcements._read_states = none  # bo is no longer a member
    nodes.here.hub.publish(1, nodes.add(1, 2))
    nodes.here.hub.publish(1, nodes.here.remove(2, 2))
    bo, line = nodes.bo()
    await nodes.deliver()
    nodes.here.hub.publish(1, nodes.here.store(3))
    await nodes.deliver()
    assert (bo.closing, bo.rooms, line.received()) == (False, set(), [])


async def an_invitation(nodes: Nodes) -> None:
    bo, line = nodes.bo()
    nodes.here.hub.publish(1, nodes.add(1, 2))
    await nodes.deliver()
    assert line.written.count(b'"head":1') == 1
    nodes.here.hub.publish(1, nodes.here.store(2))
    await nodes.deliver()
    assert (bo.closing, bo.rooms, line.received()) == (False, {1}, [1, 2])


async def frames_for_a_room_after_a_removal(nodes: Nodes) -> None:
    nodes.here.hub.send_ephemeral(b"ann types", room=1)
    _, line = nodes.bo(r1=0)
    nodes.there.hub.publish(1, nodes.here.remove(1, 2))
    await nodes.deliver()
    assert b"ann types" not in line.written


async def announcements_of_a_node(nodes: Nodes) -> None:
    nodes.here.connect(1, "ann")
    nodes.here.hub.presence.check_nodes()
    nodes.here.hub.detach(nodes.here.hub.connections[0])
    nodes.here.connect(3, "cy")
    nodes.here.hub.presence.check_nodes()
    await nodes.deliver()
    assert [user.name for user in nodes.there.hub.presence.state.online()] == ["cy"]


async def announcements_of_a_node_that_has_stopped(nodes: Nodes) -> None:
    nodes.here.connect(1, "ann")
    nodes.here.hub.presence.check_nodes()
    nodes.here.hub.close()
    await nodes.deliver()
    assert nodes.there.hub.presence.state.online() == []
    assert nodes.there.hub.presence.state.remote_keys() == []


CASES: list[Callable[[Nodes], Awaitable[None]]] = [
    ends_of_earlier_sessions,
    ends_while_a_client_connects,
    a_change_of_rights,
    events_before_a_welcome,
    events_after_a_welcome,
    the_first_events_of_a_direct_room,
    a_removal_of_a_member_who_is_back,
    a_removal_of_a_member_who_has_reconnected,
    an_invitation_before_a_removal,
    an_invitation,
    frames_for_a_room_after_a_removal,
    announcements_of_a_node,
    announcements_of_a_node_that_has_stopped,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_a_late_message_does_not_overwrite_newer_state(
    nodes: Nodes, case: Callable[[Nodes], Awaitable[None]]
) -> None:
    await case(nodes)


async def test_a_check_of_sessions_that_fails_closes_no_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nodes = Nodes(list)
    bo, _ = nodes.bo(r1=0)
    nodes.here.hub.session_ends.close_user_connections(2, CloseCode.SESSION_INVALID)
    nodes.there.away = True
    await nodes.deliver()
    assert not bo.closing
    assert "stay open for now" in caplog.text
    nodes.here.hub.close()
    nodes.there.hub.close()


async def test_a_connection_that_switched_to_a_newer_session_stays_open() -> None:
    nodes = Nodes(list)
    bo, _ = nodes.bo(r1=0)
    nodes.there.alive.clear()

    async def adopt() -> None:
        bo.use_session("a newer session", 10**15, 60)

    nodes.there.between = adopt
    nodes.here.hub.session_ends.close_user_connections(2, CloseCode.SESSION_INVALID)
    await nodes.deliver()
    assert not bo.closing
    nodes.here.hub.close()
    nodes.there.hub.close()

"""Signing keys of several nodes: publication, rotation and leaked keys."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chatserver.accounts.key_sync import ANNOUNCE_DELAY, KeySync
from chatserver.accounts.session_tokens import SigningKeys
from chatserver.errors import CloseCode, Conflict, Unavailable
from chatserver.models import User
from chatserver.realtime.connection import Connection
from chatserver.realtime.hub import Hub
from tests.fakes import FakeClock, RecordingTransport
from tests.realtime.test_hub import FakeBus


class Node:
    """A node with its own key file."""

    def __init__(self, folder: Path, name: str, clock: FakeClock) -> None:
        self.clock = clock
        self.file = folder / name / "keys.json"
        self.file.parent.mkdir(mode=0o700)
        self.bus = FakeBus()
        self.keys = SigningKeys(self.file, clock=clock.ms)
        self.hub = Hub(
            self.bus,
            None,  # type: ignore[arg-type]  # nobody says anything
            None,  # type: ignore[arg-type]
            self.keys.names,
            node=name,
            find_alive=None,  # type: ignore[arg-type]
            clock=clock,
        )
        self.sync = KeySync(self.keys, self.hub, self.bus, clock=clock)

    async def rotate(self, *, force: bool = False) -> bool:
        """Rotate the keys; return whether the new key signs."""
        return (await self.sync.rotate(force=force)).signs

    def token(self) -> str:
        now = self.clock.ms()
        return self.keys.issue(session="s", user_id=1, issued_at=now, expires_at=now + 10**9)

    def poll(self) -> None:
        self.hub.presence.check_nodes()
        self.sync.poll()

    def copy_to(self, other: "Node") -> None:
        shutil.copyfile(self.file, other.file)
        other.poll()

    async def connect(self, key: str) -> tuple[Connection, RecordingTransport]:
        line = RecordingTransport()
        user = User(1, "ann", "Ann")
        facts = {"session_id": "s", "expires_at": 10**15, "lifetime": 60, "limit": 1_000}
        connection = Connection(line, user, **facts, last_received=0.0, key_id=key)  # type: ignore[arg-type]
        with self.hub.connecting():
            self.hub.attach(connection, {})
        return connection, line


@pytest.fixture
async def nodes(tmp_path: Path) -> tuple[Node, Node]:
    clock = FakeClock()
    one, two = (Node(tmp_path, name, clock) for name in ("one", "two"))
    one.keys.load()
    shutil.copyfile(one.file, two.file)
    two.keys.load()
    one.bus.other, two.bus.other = two.hub, one.hub
    clock.advance(ANNOUNCE_DELAY)
    for node in (one, two, one):
        node.poll()
    return one, two


Nodes = tuple[Node, Node]


async def test_a_key_signs_only_after_all_nodes_know_it(nodes: Nodes) -> None:
    one, two = nodes
    assert not await one.rotate()
    two.keys.verify(one.token())
    with pytest.raises(Conflict):
        await one.rotate()
    one.copy_to(two)
    assert await one.rotate()
    assert one.keys.names()[0] != two.keys.names()[0]
    two.keys.verify(one.token())
    one.keys.verify(two.token())


async def test_all_nodes_sign_with_a_key_as_soon_as_one_does(nodes: Nodes) -> None:
    one, two = nodes
    await one.rotate()
    one.copy_to(two)
    await one.rotate()
    one.poll()
    two.poll()
    assert one.keys.names() == two.keys.names()
    assert one.file.read_bytes() == two.file.read_bytes()


@pytest.mark.parametrize("is_started", [True, False])
async def test_a_second_node_does_not_create_other_keys(
    nodes: Nodes, is_started: bool, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = nodes
    await one.rotate()
    if not is_started:  # a command that is a node temporarily
        two.sync._started = two.clock()
    before = two.file.read_bytes()
    if is_started:
        with pytest.raises(Conflict):
            await two.rotate()
        assert two.file.read_bytes() == before
    two.poll()
    two.poll()
    assert caplog.text.count("another node has other keys") == 1


async def test_a_rotation_without_redis_must_be_forced(nodes: Nodes) -> None:
    one, _ = nodes
    one.bus.cut = True
    with pytest.raises(Unavailable, match="Redis is not reachable"):
        await one.rotate()
    assert not await one.rotate(force=True)
    assert await one.rotate(force=True)


async def test_keys_of_a_stopped_node_are_ignored(nodes: Nodes) -> None:
    one, two = nodes
    one.hub.presence.check_nodes()
    two.hub.presence.check_nodes()
    two.keys.rotate()
    two.hub.presence.check_nodes()
    one.poll()
    assert one.hub.presence.state.remote_keys() != []
    two.hub.close()
    one.poll()
    assert not one.sync.differs
    assert not await one.rotate()


async def test_a_single_node_rotates_immediately(nodes: Nodes) -> None:
    one, _ = nodes
    one.bus.peers = False
    before = one.keys.names()
    assert await one.rotate()
    assert one.keys.names()[1:] == before


async def test_three_rotations_close_the_connections_of_a_leaked_key(nodes: Nodes) -> None:
    one, two = nodes
    leaked, token = one.keys.names()[0], one.token()
    opened = [await node.connect(leaked) for node in nodes]
    for _ in range(3):
        assert not any(connection.closing for connection, _ in opened)
        await one.rotate()
        one.copy_to(two)
        await one.rotate()
        one.poll()
        two.poll()
    for node in nodes:
        with pytest.raises(Exception, match="Log in"):
            node.keys.verify(token)
    assert [line.close_code() for _, line in opened] == [CloseCode.RESTARTING] * 2


async def test_connections_of_bots_and_of_newer_keys_stay_open(nodes: Nodes) -> None:
    one, _ = nodes
    one.bus.peers = False
    bots, _ = await one.connect("")
    for _ in range(3):
        await one.rotate()
    anns, _ = await one.connect(one.keys.names()[0])
    one.poll()
    assert (bots.closing, anns.closing) == (False, False)


async def test_an_invalid_key_file_is_ignored(
    nodes: Nodes, caplog: pytest.LogCaptureFixture
) -> None:
    one, _ = nodes
    before = one.keys.names()
    for spoil in (lambda: one.file.write_text("{"), one.file.unlink):
        spoil()
        for _ in range(3):
            one.poll()
    assert one.keys.names() == before
    assert caplog.text.count("the key file is ignored") == 2


class SlowBus(FakeBus):
    """Bus that calls `meanwhile` before Redis answers."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def reachable(self) -> bool:
        await asyncio.sleep(0)
        self._meanwhile()
        return await super().reachable()


def slow(node: Node, meanwhile: Callable[[], object] = int) -> None:
    """Make the node wait for Redis during a rotation."""
    other, node.bus = node.bus.other, SlowBus(meanwhile)
    node.bus.other = node.hub._bus.other = other  # type: ignore[attr-defined]
    node.sync._bus = node.bus


async def test_only_the_first_of_concurrent_rotations_on_a_node_changes_keys(nodes: Nodes) -> None:
    for node in nodes:
        slow(node)
    one, two = nodes
    for _ in range(10):
        signing = one.keys.names()[0]
        outcomes = await asyncio.gather(
            *(one.sync.rotate(force=False) for _ in range(4)), return_exceptions=True
        )
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
        assert one.keys.names()[0] == signing
        one.copy_to(two)
        assert await one.rotate()
        one.poll()
        two.poll()
        assert one.keys.names() == two.keys.names()


async def test_concurrent_rotations_on_two_nodes_never_sign_with_an_unknown_key(
    nodes: Nodes,
) -> None:
    for node in nodes:
        slow(node)
    one, two = nodes
    for _ in range(10):
        await asyncio.gather(
            *(node.sync.rotate(force=False) for node in (one, two, one, two)),
            return_exceptions=True,
        )
        one.keys.verify(two.token())
        two.keys.verify(one.token())
        one.copy_to(two)
        await one.rotate()
        two.poll()
        one.keys.verify(two.token())
        two.keys.verify(one.token())


async def test_a_key_file_that_is_copied_during_a_rotation_is_not_overwritten(
    nodes: Nodes, tmp_path: Path
) -> None:
    one, _ = nodes
    copied = SigningKeys(tmp_path / "copied.json", clock=one.clock.ms)
    shutil.copyfile(one.file, tmp_path / "copied.json")
    copied.load()
    kid = copied.publish()
    slow(one, lambda: shutil.copyfile(tmp_path / "copied.json", one.file))
    with pytest.raises(Conflict):
        await one.rotate()
    assert kid in [key["kid"] for key in json.loads(one.file.read_text())["keys"]]

"""Two nodes of one chat, on one MariaDB and Redis, behave like one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import pytest
import pytest_asyncio

from chatserver.bus import messages
from chatserver.bus.messages import SessionEnd
from chatserver.clocks import wall
from chatserver.config import BusSettings, DatabaseSettings, Settings
from chatserver.errors import CloseCode, Unavailable
from chatserver.protocol import Type
from chatserver.storage.room_list import UserRooms
from tests.conftest import FAST, StartChat
from tests.driver import Chat, Device, User
from tests.rig.mariadb import PrivateMariaDB
from tests.rig.redis import PrivateRedis

Nodes = tuple[Chat, Chat]


@pytest_asyncio.fixture
async def nodes(
    start_chat: StartChat,
    tmp_path: Path,
    mariadb: PrivateMariaDB,
    redis: PrivateRedis,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Nodes]:
    """Two nodes with the same key file."""
    url = mariadb.create_database(f"nodes{abs(hash(request.node.name))}")
    started: list[Chat] = []
    for name in ("one", "two"):
        folder = tmp_path / name
        settings = Settings(
            data=folder,
            limits=FAST,
            database=DatabaseSettings(url=url),
            bus=BusSettings(url=redis.url),
        )
        if started:
            folder.mkdir(mode=0o700)
            (folder / "keys.json").write_bytes(started[0].server.folder.keys.read_bytes())
        started.append(await start_chat(settings))
    yield started[0], started[1]


async def on(chat: Chat, user: User) -> Device:
    """Connect a device of a user to that node."""
    return await User(chat, user.name, user.number, user.token, user.http).connect()


async def test_users_on_two_nodes_exchange_messages(nodes: Nodes) -> None:
    one, two = nodes
    ann, bo = await one.user("ann", admin=True), await one.user("bo")
    anns, bos = await on(one, ann), await on(two, bo)
    await anns.say("to everybody")
    await anns.receives("to everybody")
    assert (await bos.receives("to everybody"))["user"] == "ann"
    await bos.say("to you", to="ann")
    assert (await anns.receives("to you"))["to"] == "ann"
    while "bo" not in {p["name"] for p in (await anns.next(Type.PRESENCE))["online"]}:
        pass


async def test_all_clients_receive_events_in_the_same_order(nodes: Nodes) -> None:
    one, _two = nodes
    users = [await one.user(f"bo{number}") for number in range(4)]
    devices = [await on(nodes[number % 2], user) for number, user in enumerate(users)]

    async def talk(device: Device) -> None:
        for number in range(50):
            await device.send({"type": Type.GROUP_CHAT, "data": f"{device.user.name}.{number}"})

    await asyncio.gather(*(talk(device) for device in devices))
    heard = [
        [(f["seq"], f["data"]) for f in [await device.next(Type.GROUP_CHAT) for _ in range(200)]]
        for device in devices
    ]
    assert heard[0] == heard[1] == heard[2] == heard[3]
    assert [seq for seq, _ in heard[0]] == list(range(1, 201))


async def test_the_same_id_sent_to_both_nodes_is_stored_once(nodes: Nodes) -> None:
    one, two = nodes
    ann = await one.user("ann")
    devices = [await on(one, ann), await on(two, ann)]
    for number in range(30):
        replies = await asyncio.gather(*(d.say("once", id=f"a{number}") for d in devices))
        assert len({reply["seq"] for reply in replies}) == 1
    assert (await devices[0].history(1))["head"] == 30


async def test_concurrent_first_direct_messages_on_two_nodes_share_one_room(nodes: Nodes) -> None:
    one, two = nodes
    ann, bo = await one.user("ann"), await one.user("bo")
    anns, bos = await on(one, ann), await on(two, bo)
    replies = await asyncio.gather(anns.say("hi", to="bo"), bos.say("hi", to="ann"))
    assert replies[0]["room"] == replies[1]["room"]
    for device in (anns, bos):
        assert {(await device.next(Type.SINGLE_CHAT))["seq"] for _ in range(2)} == {1, 2}


async def test_logging_out_on_one_node_closes_connections_on_the_other(nodes: Nodes) -> None:
    one, two = nodes
    ann = await one.user("ann")
    device = await on(two, ann)
    assert (await ann.ask("POST", "/logout")).status == 200
    assert await device.closed() == 4101


async def test_logging_out_ends_a_session_on_the_other_node_before_it_is_stored(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_work: object) -> None:
        raise Unavailable

    one, two = nodes
    ann = await one.user("ann")
    there = User(two, "ann", 0, ann.token, two.browser())
    assert (await there.ask("GET", "/api/me")).status == 200
    with monkeypatch.context() as patch:
        for node in nodes:
            patch.setattr(node.server.database, "transaction", refuse)
        assert (await ann.ask("POST", "/logout", {})).json["pending"]
        while (answer := await there.ask("GET", "/api/me")).status == 200:
            pass
        assert answer.status == 401
    await two.server.revocations.flush()
    assert (await one.server.stored_sessions.list_open(ann.number)) == []


async def test_without_redis_messages_are_late_and_complete(
    nodes: Nodes, redis: PrivateRedis
) -> None:
    one, two = nodes
    ann, bo = await one.user("ann"), await one.user("bo")
    anns, bos = await on(one, ann), await on(two, bo)
    redis.kill()
    try:
        for number in range(5):
            await anns.say(f"n{number}")
        for number in range(5):
            await bos.receives(f"n{number}")
        await anns.say("a new conversation", to="bo")
        await bos.receives("a new conversation")
        assert (await ann.ask("POST", "/logout")).status == 200
    finally:
        redis.start()


async def test_without_redis_an_invited_user_gets_the_room_once(
    nodes: Nodes, redis: PrivateRedis
) -> None:
    one, two = nodes
    ann, bo = await one.user("ann"), await one.user("bo")
    anns, bos = await on(one, ann), await on(two, bo)
    redis.kill()
    try:
        made = await anns.ask(Type.ROOM, action="create", name="plans", private=True)
        invited = await anns.ask(Type.ROOM, action="invite", room=made["room"], users=["bo"])
        shown = await bos.next(Type.ROOM)
        assert (shown["seq"], shown["users"], shown["state"]["name"]) == (
            invited["seq"],
            ["bo"],
            "plans",
        )
        await anns.say("hello", room=made["room"])
        await bos.receives("hello")
        made = await anns.ask(Type.ROOM, action="create", name="later", users=["bo"])
        assert (await bos.next(Type.ROOM))["state"]["name"] == "later"
        await bos.receives_nothing()
    finally:
        redis.start()


async def test_a_membership_is_found_despite_wrong_clocks_and_a_lost_message(nodes: Nodes) -> None:
    one, two = nodes
    ann, bo = await one.user("ann"), await one.user("bo")
    anns, bos = await on(one, ann), await on(two, bo)
    with (
        mock.patch.object(one.server.bus, "publish"),
        mock.patch.object(one.server.log, "_clock", return_value=wall() - 3_600_000),
    ):
        made = await anns.ask(Type.ROOM, action="create", name="plans", users=["bo"])
    shown = await bos.next(Type.ROOM)
    assert (shown["room"], shown["state"]["name"]) == (made["room"], "plans")
    await anns.say("hello", room=made["room"])
    await bos.receives("hello")


async def test_without_redis_a_removed_member_receives_no_later_events(
    nodes: Nodes, redis: PrivateRedis
) -> None:
    one, two = nodes
    ann, bo, cy = [await one.user(name) for name in ("ann", "bo", "cy")]
    anns, bos, cys = await on(one, ann), await on(two, bo), await on(two, cy)
    made = await anns.ask(Type.ROOM, action="create", name="plans", users=["bo", "cy"])
    await bos.next(Type.ROOM)
    await cys.next(Type.ROOM)
    redis.kill()
    try:
        seq = (await anns.say("before", room=made["room"]))["seq"]
        removal = await anns.ask(Type.ROOM, action="remove", room=made["room"], users=["bo"])
        assert removal["ok"]
        await anns.ask(Type.EDIT, room=made["room"], target=seq, data="later")
        await cys.say("later", room=made["room"])
        assert await bos.closed() == 4001
        await cys.next(Type.GROUP_CHAT)
    finally:
        redis.start()
    heard = [frame for frame in bos.queued() if frame.get("room") == made["room"]]
    assert [frame for frame in heard if frame.get("seq", 0) > removal["seq"]] == []
    assert "later" not in str(heard)
    again = await on(two, bo)
    assert made["room"] not in {room["room"] for room in again.welcome["rooms"]}


async def test_without_redis_ended_sessions_are_closed_on_the_other_node(
    nodes: Nodes, redis: PrivateRedis
) -> None:
    one, two = nodes
    users = [await one.user(name) for name in ("ann", "bo", "cy")]
    _, token = await one.server.administration.add_bot(None, "helper", "", [])
    _, kept = await one.server.administration.add_bot(None, "keeper", "", [])
    anns, bos, cys = [await on(two, user) for user in users]
    helpers, keepers = [
        await User(two, "bot", 0, bot, two.browser()).connect() for bot in (token, kept)
    ]
    redis.kill()
    try:
        assert (await users[0].ask("POST", "/logout")).status == 200
        await one.server.administration.change(None, "bo", disabled=True)
        await one.server.administration.renew_bot(None, "helper")
        for closed, code in ((anns, 4101), (bos, 4102), (helpers, 4101)):
            assert await closed.closed() == code
        assert (await cys.say("still here"))["ok"]
        assert (await keepers.say("so am I"))["ok"]
    finally:
        redis.start()


async def test_a_late_end_of_sessions_does_not_end_newer_ones(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    bo = await one.user("bo")
    (user, _), accounts = await one.server.users.find("bo") or (None, None), one.server.accounts
    assert user is not None
    _, token = await one.server.administration.add_bot(None, "helper", "", [])

    async def connected(token: str) -> Device:
        return await User(two, "bo", bo.number, token, two.browser()).connect()

    before = [await connected(bo.token), await connected(token)]
    late: list[bytes] = []
    monkeypatch.setattr(one.server.bus, "publish", late.append)
    monkeypatch.setattr(two.server.node_sync, "poll", one.server.bus.reachable)
    await accounts.log_out_everywhere(user)
    renewed = await one.server.administration.renew_bot(None, "helper")
    again = await accounts.open_session(user, client="")
    after = [await connected(again.bearer), await connected(renewed)]
    for payload in late * 2:
        two.server.hub.receive(payload)
    assert [await device.closed() for device in before] == [4101, 4101]
    assert all([(await device.say("still here"))["ok"] for device in after])


async def test_the_session_of_a_client_that_connects_is_read_again_when_sessions_end_elsewhere(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = nodes
    bo = await one.user("bo")
    there = User(two, "bo", bo.number, bo.token, two.browser())
    late = messages.encode(SessionEnd(CloseCode.SESSION_INVALID, user=bo.number))
    read_rooms = two.server.rooms.for_user
    ends = [False, True]  # whether the session has ended, for one connection each

    async def interrupted(user_id: int) -> UserRooms:
        if len(ends) > left:
            if ends.pop(0):
                await one.server.stored_sessions.revoke_all(user_id)
            two.server.hub.receive(late)
        return await read_rooms(user_id)

    monkeypatch.setattr(two.server.rooms, "for_user", interrupted)
    monkeypatch.setattr(two.server.node_sync, "poll", one.server.bus.reachable)
    left = 1
    assert (await (await there.connect()).say("hello"))["ok"]
    left = 0
    assert await (await there.open()).closed() == 4101


async def test_a_rotation_on_several_nodes_ends_no_session(nodes: Nodes) -> None:
    one, two = nodes
    ann = await one.user("ann")
    leaked = await on(two, ann)
    for _ in range(3):
        assert not (await one.server.key_sync.rotate(force=True)).signs
        newer = await one.logged_in("ann")
        assert (await on(two, newer)).welcome["user"] == "ann"
        two.server.folder.keys.write_bytes(one.server.folder.keys.read_bytes())
        two.server.key_sync.poll()
        known = [set(one.server.keys.names())]
        while [set(keys) for keys in one.server.hub.presence.state.remote_keys()] != known:
            await asyncio.sleep(0.01)
        assert (await one.server.key_sync.rotate(force=False)).signs
        newer = await one.logged_in("ann")
        assert (await on(two, newer)).welcome["user"] == "ann"
        while two.server.keys.names() != one.server.keys.names():
            await asyncio.sleep(0.01)
            two.server.key_sync.poll()
    assert await leaked.closed() == 4001
    refused = await User(two, "ann", 0, ann.token, two.browser()).ask("GET", "/api/me")
    assert refused.status == 401


async def test_an_account_created_on_another_node_can_be_mentioned_immediately(
    nodes: Nodes,
) -> None:
    one, two = nodes
    anns = await on(two, await one.user("ann", admin=True))
    await anns.say("@cy is not here yet")
    cy = await one.user("cy")
    await anns.say("@cy, welcome")
    await anns.say("psst", to="cy")
    rooms = (await on(one, cy)).welcome["rooms"]
    assert [(room["mentions"], room["unread"]) for room in rooms] == [(1, 1), (0, 1)]

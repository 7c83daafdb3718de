"""Rooms: creation, membership, changes, and who receives their events."""

import asyncio
from collections.abc import Sequence

import pytest

from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import Chat, Device, Frame, User


async def room(device: Device, action: str, **facts: object) -> Frame:
    return await device.ask(Type.ROOM, action=action, **facts)


@pytest.fixture
async def users(start_chat: StartChat, database_url: str) -> tuple[Device, Device, Device]:
    """Devices of ann, bo and cy, none of whom is an administrator of the server."""
    chat = await start_chat(url=database_url)
    return tuple([await (await chat.user(name)).connect() for name in ("ann", "bo", "cy")])  # type: ignore[return-value]


Users = tuple[Device, Device, Device]


async def test_a_public_room_can_be_found_joined_and_left(users: Users) -> None:
    anns, bos, cys = users
    made = await room(anns, "create", name="Plans", title="Our plans", topic="what next")
    state = made["state"]
    assert (state["name"], state["title"], state["members"], state["admin"]) == (
        "plans",
        "Our plans",
        1,
        True,
    )
    number = made["room"]
    joined = await room(bos, "join", room=number)
    assert (joined["ok"], joined["state"]["members"]) == (True, 2)
    assert (await anns.next(Type.ROOM))["action"] == "create"
    event = await anns.next(Type.ROOM)
    assert (event["action"], event["user"], event["users"]) == ("join", "bo", ["bo"])
    await anns.say("welcome", room=number)
    await bos.receives("welcome")
    left = await room(bos, "leave", room=number)
    assert left["ok"] is True
    await anns.say("gone?", room=number)
    await bos.receives_nothing()
    await cys.receives_nothing()
    assert (await bos.history(number, after=0))["code"] == "not_found"


async def test_the_reply_to_create_comes_before_its_event(users: Users) -> None:
    anns, _, _ = users
    await anns.send({"type": Type.ROOM, "id": "c", "action": "create", "name": "plans"})
    assert (await anns.next(Type.REPLY, Type.ROOM))["type"] == Type.REPLY
    event = await anns.next(Type.ROOM)
    assert (event["action"], event["seq"], event["state"]["head"]) == ("create", 1, 1)


async def test_the_reply_to_a_change_comes_before_its_event(users: Users) -> None:
    anns, _, _ = users
    number = (await room(anns, "create", name="plans", private=True))["room"]
    assert (await anns.next(Type.ROOM))["action"] == "create"
    for action, facts in (
        ("invite", {"users": ["bo"]}),
        ("change", {"title": "Our plans"}),
        ("remove", {"users": ["bo"]}),
        ("archive", {"on": True}),
    ):
        change = {"type": Type.ROOM, "id": action, "action": action, "room": number}
        await anns.send(change | facts)
        assert (await anns.next(Type.REPLY, Type.ROOM))["type"] == Type.REPLY, action
        assert (await anns.next(Type.ROOM))["action"] == action


async def test_an_invited_user_gets_the_state_of_the_room(users: Users) -> None:
    anns, bos, cys = users
    number = (await room(anns, "create", name="plans", private=True))["room"]
    await anns.say("before", room=number)
    assert (await room(anns, "invite", room=number, users=["BO"]))["ok"] is True
    event = await bos.next(Type.ROOM)
    assert (event["action"], event["users"], event["state"]["room"]) == ("invite", ["bo"], number)
    assert event["state"]["private"] is True
    page = await bos.history(number, after=0)
    assert [e["type"] for e in page["events"]] == [13, 2, 13]
    await anns.say("after", room=number)
    await bos.receives("after")
    refused = await room(cys, "join", room=number)
    assert refused["code"] == "not_found"


async def test_a_removed_member_receives_no_more_events(users: Users) -> None:
    anns, bos, _ = users
    number = (await room(anns, "create", name="plans", users=["bo"]))["room"]
    assert (await bos.next(Type.ROOM))["action"] == "create"
    await anns.say("hi", room=number)
    await bos.receives("hi")
    assert (await room(bos, "remove", room=number, users=["ann"]))["code"] == "forbidden"
    assert (await room(anns, "remove", room=number, users=["bo"]))["ok"] is True
    last = await bos.next(Type.ROOM)
    assert (last["action"], last["users"]) == ("remove", ["bo"])
    await anns.say("among ourselves", room=number)
    await bos.receives_nothing()
    assert (await bos.say("hello?", room=number))["code"] == "not_found"
    assert number not in {r["room"] for r in (await bos.user.connect()).welcome["rooms"]}


async def test_a_room_can_let_former_members_read_older_messages(users: Users) -> None:
    anns, bos, _ = users
    number = (await room(anns, "create", name="plans", users=["bo"]))["room"]
    await anns.say("known", room=number)
    assert (await room(anns, "change", room=number, leavers_read=True))["ok"] is True
    await room(bos, "leave", room=number)
    await anns.say("unknown", room=number)
    page = await bos.history(number, after=0)
    assert [e["data"] for e in page["events"] if e["type"] == Type.GROUP_CHAT] == ["known"]
    assert "unknown" not in str(page)


async def test_a_former_member_can_join_again(users: Users) -> None:
    anns, bos, _ = users
    number = (await room(anns, "create", name="plans"))["room"]
    for _ in range(2):
        joined = await room(bos, "join", room=number)
        assert joined["state"]["members"] == 2
        assert (await room(bos, "join", room=number))["code"] == "conflict"
        await anns.say("hi", room=number)
        await bos.receives("hi")
        await room(bos, "leave", room=number)


async def test_an_unnamed_conversation_is_private(users: Users) -> None:
    anns, bos, cys = users
    made = await room(anns, "create", users=["bo"])
    assert made["state"]["private"] is True
    assert made["state"]["title"] == "ann, bo"
    assert (await room(anns, "invite", room=made["room"], users=["cy"]))["code"] == "forbidden"
    assert (await room(cys, "join", room=made["room"]))["code"] == "not_found"
    assert (await bos.next(Type.ROOM))["action"] == "create"
    await anns.say("hi", room=made["room"])
    await bos.receives("hi")
    await cys.receives_nothing()


async def test_former_members_of_an_unnamed_conversation_can_be_added_again(users: Users) -> None:
    anns, bos, cys = users
    number = (await room(anns, "create", users=["bo"]))["room"]
    url = f"/api/rooms/{number}/members"
    assert (await anns.user.ask("GET", url)).json["former"] == []
    assert (await room(anns, "remove", room=number, users=["bo"]))["ok"] is True
    await anns.say("unseen", room=number)
    assert (await anns.user.ask("GET", url)).json["former"] == [{"name": "bo", "display": "Bo"}]
    for invited in (["cy"], ["bo", "cy"]):
        assert (await room(anns, "invite", room=number, users=invited))["code"] == "forbidden"
    assert (await room(bos, "invite", room=number, users=["bo"]))["code"] == "not_found"
    assert (await room(bos, "join", room=number))["code"] == "not_found"
    assert (await room(anns, "invite", room=number, users=["bo"]))["ok"] is True
    assert (await room(anns, "invite", room=number, users=["bo"]))["code"] == "conflict"
    await anns.say("welcome back", room=number)
    await bos.receives("welcome back")
    assert (await anns.user.ask("GET", url)).json["former"] == []
    named = (await room(anns, "create", name="plans", users=["cy"]))["room"]
    await room(anns, "remove", room=named, users=["cy"])
    assert "former" not in (await anns.user.ask("GET", f"/api/rooms/{named}/members")).json
    assert (await room(cys, "invite", room=number, users=["ann"]))["code"] == "not_found"


async def test_only_its_administrator_can_change_a_room(users: Users) -> None:
    anns, bos, _ = users
    number = (await room(anns, "create", name="plans", users=["bo"]))["room"]
    assert (await bos.next(Type.ROOM))["action"] == "create"
    assert (await room(bos, "change", room=number, title="Mine"))["code"] == "forbidden"
    changed = await room(anns, "change", room=number, title="Ours", name="ours", topic="all of it")
    assert changed["ok"] is True
    heard = await bos.next(Type.ROOM)
    assert (heard["title"], heard["name"], heard["topic"]) == ("Ours", "ours", "all of it")
    assert (await room(anns, "change", room=number))["code"] == "bad_request"
    assert (await room(anns, "create", name="OURS"))["code"] == "conflict"


async def test_an_archived_room_is_read_only(users: Users) -> None:
    anns, bos, cys = users
    number = (await room(anns, "create", name="plans", users=["bo"]))["room"]
    seq = (await bos.say("hi", room=number))["seq"]
    assert (await room(anns, "archive", room=number))["ok"] is True
    assert (await bos.say("hello?", room=number))["code"] == "forbidden"
    assert (await bos.ask(Type.EDIT, room=number, target=seq, data="x"))["code"] == "forbidden"
    assert (await room(cys, "join", room=number))["code"] == "forbidden"
    assert (await bos.history(number))["events"][0]["data"] == "hi"
    assert (await room(anns, "archive", room=number, on=False))["ok"] is True
    assert (await bos.say("hello again", room=number))["ok"] is True


async def test_the_lobby_cannot_be_closed(chat: Chat, ann: User, bo: User) -> None:
    anns = await ann.connect()
    assert (await room(anns, "change", room=1, title="Welcome"))["ok"] is True
    for refused in (
        await room(anns, "change", room=1, private=True),
        await room(anns, "archive", room=1),
        await room(anns, "leave", room=1),
        await room(anns, "remove", room=1, users=["bo"]),
    ):
        assert refused["code"] == "forbidden"


async def test_a_direct_room_cannot_be_changed(users: Users) -> None:
    anns, _, _ = users
    number = (await anns.say("hi", to="bo"))["room"]
    for action, facts in (
        ("invite", {"users": ["cy"]}),
        ("leave", {}),
        ("change", {"title": "x"}),
        ("archive", {}),
        ("join", {}),
    ):
        refused = await room(anns, action, room=number, **facts)
        assert refused["code"] in ("forbidden", "not_found")


async def test_rooms_in_common_are_those_of_which_both_are_members(users: Users) -> None:
    anns, bos, cys = users
    both = (await room(anns, "create", name="both", users=["bo"]))["room"]
    await room(anns, "create", name="without-bo", users=["cy"])
    await bos.say("hi", to="ann")
    common = await anns.user.ask("GET", "/api/users/bo/rooms")
    assert common.json["rooms"] == [1, both]
    assert (await cys.user.ask("GET", "/api/users/Bo/rooms")).json["rooms"] == [1]
    await room(anns, "leave", room=both)
    assert (await anns.user.ask("GET", "/api/users/bo/rooms")).json["rooms"] == [1]
    assert (await anns.user.ask("GET", "/api/users/nobody/rooms")).json["rooms"] == []


async def test_muting_affects_only_the_membership_of_that_user(users: Users) -> None:
    anns, bos, cys = users
    muted = await room(anns, "mute", room=1)
    assert (muted["ok"], muted["muted"]) == (True, True)
    assert (await anns.user.connect()).welcome["rooms"][0]["muted"] is True
    assert (await bos.user.connect()).welcome["rooms"][0]["muted"] is False
    await room(anns, "mute", room=1, on=False)
    assert (await anns.user.connect()).welcome["rooms"][0]["muted"] is False
    number = (await bos.say("hi", to="ann"))["room"]
    assert (await room(cys, "mute", room=number))["code"] == "not_found"


async def test_a_room_that_loses_its_administrator_gets_another(users: Users) -> None:
    anns, bos, _ = users
    number = (await room(anns, "create", name="plans", users=["bo", "cy"]))["room"]
    await room(anns, "leave", room=number)
    assert (await room(bos, "change", room=number, title="Ours now"))["ok"] is True


@pytest.mark.parametrize(
    "facts",
    [
        {"action": "create"},
        {"action": "create", "name": "12"},
        {"action": "create", "name": "a b"},
        {"action": "create", "name": "x" * 33},
        {"action": "create", "name": "ok", "users": []},
        {"action": "dance", "room": 1},
        {"action": "invite", "room": 1},
        {"action": "join"},
        {"action": "change", "room": 1, "title": "\u0000"},
    ],
)
async def test_an_invalid_room_command_is_explained(ann: User, facts: Frame) -> None:
    refused = await (await ann.connect()).ask(Type.ROOM, **facts)
    assert (refused["ok"], refused["code"]) == (False, "bad_request")
    assert refused["data"]


async def test_an_unknown_user_is_named_in_the_error(users: Users) -> None:
    anns, _, _ = users
    refused = await room(anns, "create", name="plans", users=["bo", "nobody"])
    assert (refused["code"], "nobody" in refused["data"]) == ("not_found", True)


async def test_a_repeated_create_creates_one_room(users: Users) -> None:
    anns, _, _ = users
    first = await room(anns, "create", name="plans", id="c1")
    again = await room(anns, "create", name="plans", id="c1")
    assert (again["room"], again["duplicate"], again["state"]["name"]) == (
        first["room"],
        True,
        "plans",
    )


async def test_a_member_removed_while_the_room_is_announced_is_not_subscribed(
    chat: Chat, ann: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    number = (await room(anns, "create", name="plans", private=True))["room"]
    read_states = chat.server.rooms.states
    read, removed = asyncio.Event(), asyncio.Event()

    async def slowly(user_ids: Sequence[int], number: int) -> object:
        states = await read_states(user_ids, number)
        read.set()
        await removed.wait()
        return states

    monkeypatch.setattr(chat.server.hub.announcements, "_read_states", slowly)
    await room(anns, "invite", room=number, users=["bo"])
    await read.wait()
    await room(anns, "remove", room=number, users=["bo"])
    removed.set()
    await anns.say("among ourselves", room=number)
    await bos.receives_nothing()
    assert (await bos.history(number, after=0))["code"] == "not_found"

"""Read positions move forward and are synchronized; typing is ephemeral."""

import pytest

from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import Device, User


async def lobby(user: User) -> dict[str, int]:
    device = await user.connect()
    rooms: list[dict[str, int]] = device.welcome["rooms"]
    await device.close()
    return rooms[0]


async def read(device: Device, seq: int, *, room: int = 1) -> None:
    await device.send({"type": Type.READ, "room": room, "seq": seq})


async def test_reading_resets_the_count_on_every_device(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    ann, bo = await chat.user("ann"), await chat.user("bo")
    anns, phone, desk = await ann.connect(), await bo.connect(), await bo.connect()
    for number in range(5):
        await anns.say(f"n{number}")
    await read(phone, 3)
    for device in (phone, desk):
        frame = await device.next(Type.READ)
        assert (frame["room"], frame["user"], frame["seq"]) == (1, "bo", 3)
    state = await lobby(bo)
    assert (state["read"], state["unread"]) == (3, 2)
    assert [frame for frame in anns._queued if frame["type"] == Type.READ] == []


async def test_a_position_only_moves_forward_and_not_beyond_the_head(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    for number in range(3):
        await anns.say(f"n{number}")
    await read(bos, 99)
    assert (await bos.next(Type.READ))["seq"] == 3
    await read(bos, 1)
    await anns.say("one more")
    await read(bos, 4)
    assert (await bos.next(Type.READ))["seq"] == 4
    assert (await lobby(bo))["unread"] == 0


async def test_read_receipts_are_sent_in_rooms_that_show_them(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    await anns.ask(Type.ROOM, action="change", room=1, receipts=True)
    seq = (await anns.say("seen?"))["seq"]
    await read(bos, seq)
    frame = await anns.next(Type.READ)
    assert (frame["user"], frame["seq"]) == ("bo", seq)


async def test_members_have_their_read_positions_in_rooms_that_show_them(
    ann: User, bo: User
) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    seq = (await anns.say("seen?"))["seq"]
    members = (await ann.ask("GET", "/api/rooms/lobby/members")).json["members"]
    assert not any("read" in member for member in members)
    await anns.ask(Type.ROOM, action="change", room=1, receipts=True)
    await read(bos, seq)
    await anns.next(Type.READ)
    members = (await ann.ask("GET", "/api/rooms/lobby/members")).json["members"]
    assert {member["name"]: member["read"] for member in members} == {"ann": 0, "bo": seq}


@pytest.mark.parametrize(("action", "field"), [("mute", "muted"), ("favorite", "favorite")])
async def test_marks_are_sent_only_to_devices_of_the_same_user(
    ann: User, bo: User, action: str, field: str
) -> None:
    desk, phone, bos = await ann.connect(), await ann.connect(), await bo.connect()
    assert (await desk.ask(Type.ROOM, action=action, room=1))[field] is True
    frame = await phone.next(Type.READ)
    assert (frame["room"], frame["user"], frame[field]) == (1, "ann", True)
    assert (await ann.connect()).welcome["rooms"][0].get(field) is True
    await ann.ask("PATCH", "/api/rooms/lobby", {field: False})
    assert (await phone.next(Type.READ))[field] is False
    await bos.receives_nothing()
    assert [frame for frame in bos._queued if frame["type"] == Type.READ] == []


async def test_a_nonmember_cannot_mark_a_room_as_read(ann: User, bo: User, cy: User) -> None:
    anns, cys = await ann.connect(), await cy.connect()
    number = (await anns.say("psst", to="bo"))["room"]
    await read(cys, 1, room=number)
    await cys.send({"type": Type.TYPING, "room": number})
    await read(cys, 1)
    await cys.receives_nothing()
    assert [
        frame["type"] for frame in cys._queued if frame["type"] in (Type.REPLY, Type.TYPING)
    ] == []
    assert [f["room"] for f in cys._queued if f["type"] == Type.READ] in ([], [1])


async def test_typing_is_sent_to_other_members(ann: User, bo: User, cy: User) -> None:
    anns, bos, cys = await ann.connect(), await bo.connect(), await cy.connect()
    number = (await anns.say("hi", to="bo"))["room"]
    await bos.receives("hi")
    for _ in range(20):
        await bos.send({"type": Type.TYPING, "room": number})
    frame = await anns.next(Type.TYPING)
    assert (frame["room"], frame["user"]) == (number, "bo")
    await bos.say("done", room=number)
    await anns.receives("hi")
    await anns.receives("done")
    assert len([frame for frame in anns._queued if frame["type"] == Type.TYPING]) <= 2
    await cys.receives_nothing()
    assert [frame for frame in cys._queued + bos._queued if frame["type"] == Type.TYPING] == []


async def test_a_message_that_is_marked_as_unread_is_unread_on_all_devices(
    ann: User, bo: User
) -> None:
    desk, bos = await ann.connect(), await bo.connect()
    for text in ("one", "two", "three"):
        seq = (await bo.ask("POST", "/api/rooms/1/messages", {"data": text})).json["seq"]
    await desk.send({"type": Type.READ, "room": 1, "seq": seq})
    assert (await desk.next(Type.READ))["seq"] == seq
    first = f"/api/rooms/1/messages/{seq - 1}/unread"
    assert (await ann.ask("POST", first)).json == {"ok": 1, "room": 1, "read": seq - 2}
    frame = await desk.next(Type.READ)
    assert (frame["seq"], frame["unread"]) == (seq - 2, True)
    lobby = (await ann.connect()).welcome["rooms"][0]
    assert (lobby["read"], lobby["unread"]) == (seq - 2, 2)
    later = f"/api/rooms/1/messages/{seq}/unread"
    assert (await ann.ask("POST", later)).json["read"] == seq - 2  # it is unread already
    await desk.send({"type": Type.READ, "room": 1, "seq": seq})
    while (await desk.next(Type.READ))["seq"] != seq:
        pass
    assert (await ann.ask("POST", f"/api/rooms/1/messages/{seq + 1}/unread")).status == 404
    assert [frame for frame in bos._queued if frame["type"] == Type.READ] == []

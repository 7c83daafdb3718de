"""Messages to the lobby and to users, from several devices, and to users who are offline."""

import pytest

from chatserver.protocol import Type
from tests.conftest import StartChat
from tests.driver import Chat, User


async def test_a_message_in_the_lobby_is_sent_to_all_users(ann: User, bo: User) -> None:
    here, there = await ann.connect(), await bo.connect()
    reply = await here.say("hello")
    assert reply["ok"] is True
    heard = await there.receives("hello")
    assert (heard["user"], heard["room"], heard["seq"]) == ("ann", 1, reply["seq"])
    assert await here.receives("hello") == heard


async def test_the_sender_gets_the_reply_before_the_event(ann: User) -> None:
    device = await ann.connect()
    await device.send({"type": Type.GROUP_CHAT, "data": "hello", "id": "a1"})
    assert (await device.next(Type.GROUP_CHAT, Type.REPLY))["type"] == Type.REPLY


async def test_a_direct_message_is_sent_to_both_members_only(ann: User, bo: User, cy: User) -> None:
    phone, desk = await ann.connect(), await ann.connect()
    bos, cys = await bo.connect(), await cy.connect()
    reply = await phone.say("psst", to="bo")
    for device in (phone, desk, bos):
        heard = await device.receives("psst")
        assert (heard["type"], heard["user"], heard["to"]) == (3, "ann", "bo")
        assert heard["room"] == reply["room"] != 1
    await cys.receives_nothing()


async def test_both_directions_share_one_room(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    there = await anns.say("hi", to="bo")
    back = await bos.say("hi yourself", to="ann")
    by_number = await bos.ask(Type.SINGLE_CHAT, data="by number", room=there["room"])
    assert [r["room"] for r in (there, back, by_number)] == [there["room"]] * 3
    assert [r["seq"] for r in (there, back, by_number)] == [1, 2, 3]


async def test_concurrent_first_direct_messages_share_one_room(ann: User, bo: User) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    await anns.send({"type": Type.SINGLE_CHAT, "to": "bo", "data": "me first", "id": "a"})
    await bos.send({"type": Type.SINGLE_CHAT, "to": "ann", "data": "no, me", "id": "b"})
    rooms = {(await anns.reply("a"))["room"], (await bos.reply("b"))["room"]}
    assert len(rooms) == 1
    assert {
        (await anns.next(Type.SINGLE_CHAT))["seq"],
        (await anns.next(Type.SINGLE_CHAT))["seq"],
    } == {1, 2}


async def test_a_client_that_knows_only_the_first_four_types_sends_and_receives(
    ann: User, bo: User
) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    assert {user["name"] for user in bos.online["data"]} == {"ann", "bo"}
    await anns.send({"type": Type.GROUP_CHAT, "data": "hi"})
    await anns.send({"type": Type.SINGLE_CHAT, "data": "hi, bo", "to": "bo"})
    assert (await bos.receives("hi"))["type"] == Type.GROUP_CHAT
    assert (await bos.receives("hi, bo"))["type"] == Type.SINGLE_CHAT
    await anns.receives("hi")
    await anns.receives("hi, bo")


async def test_messages_to_an_offline_user_are_in_the_next_welcome(ann: User, bo: User) -> None:
    anns = await ann.connect()
    await anns.say("for later", to="bo")
    bos = await bo.connect()
    room = next(room for room in bos.welcome["rooms"] if room.get("to") == "ann")
    assert (room["unread"], room["last"]["data"], room["kind"]) == (1, "for later", "direct")
    page = await bos.history(room["room"], after=0)
    assert [event["data"] for event in page["events"]] == ["for later"]


async def test_a_user_can_write_direct_messages_to_themselves(ann: User) -> None:
    device = await ann.connect()
    await device.say("note", to="ann")
    assert (await device.receives("note"))["to"] == "ann"
    again = await ann.connect()
    assert [r["to"] for r in again.welcome["rooms"] if r["kind"] == "direct"] == ["ann"]


@pytest.mark.parametrize("name", ["bo", "BO", "ｂｏ"])
async def test_names_are_compared_without_case_and_width(ann: User, bo: User, name: str) -> None:
    anns, bos = await ann.connect(), await bo.connect()
    await anns.say("hello", to=name)
    assert (await bos.receives("hello"))["to"] == "bo"


async def test_chinese_and_emoji_are_delivered_unchanged(
    start_chat: StartChat, database_url: str
) -> None:
    chat = await start_chat(url=database_url)
    ann = await chat.user("安", admin=True, display="安安")
    device = await ann.connect()
    text = "你好，世界 👩‍👩‍👧‍👦 \u202eabc ' \" % \\ \0 ．"
    await device.say(text)
    await device.receives(text)
    page = await device.history(1, after=0)
    assert page["events"][0]["data"] == text
    assert page["events"][0]["user"] == "安"


async def test_messages_of_ten_connections_are_stored_in_the_order_of_each(
    chat: Chat, ann: User
) -> None:
    devices = [await ann.connect() for _ in range(10)]
    for number in range(20):
        for index, device in enumerate(devices):
            await device.send({"type": Type.GROUP_CHAT, "data": f"{index}.{number}"})
    heard = [await devices[0].next(Type.GROUP_CHAT) for _ in range(200)]
    assert [frame["seq"] for frame in heard] == list(range(1, 201))
    for index in range(10):
        own = [f["data"] for f in heard if f["data"].startswith(f"{index}.")]
        assert own == [f"{index}.{number}" for number in range(20)]


async def test_a_message_to_a_deleted_account_is_refused(ann: User, bo: User) -> None:
    sentence = "This account is deleted."
    anns = await ann.connect()
    first = await anns.say("hi", to="bo")
    path = f"/api/rooms/{first['room']}"
    assert (await ann.ask("DELETE", "/api/users/bo")).status == 200
    for place in ({"to": "bo"}, {"room": first["room"]}):
        refused = await anns.ask(Type.SINGLE_CHAT, data="more", **place)
        assert (refused["code"], refused["data"]) == ("forbidden", sentence)
    attempts = (
        ("POST", "/api/direct/bo/messages", {"data": "more"}),
        ("POST", f"{path}/messages", {"data": "more"}),
        ("PATCH", f"{path}/messages/1", {"data": "new"}),
        ("PUT", f"{path}/messages/1/reactions/🎉", None),
    )
    for attempt in attempts:
        answer = await ann.ask(*attempt)
        assert (answer.status, answer.json["data"]) == (403, sentence), attempt
    assert len((await ann.ask("GET", f"{path}/events?after=0")).json["events"]) == 1
    assert (await ann.ask("DELETE", f"{path}/messages/1")).status == 200
    (account,) = (await ann.ask("GET", "/api/users?names=bo")).json["users"]
    assert account["deleted"] is True
